"""What messages of the portal mean: whole phrases, in any Unicode form, case and spacing."""

import unicodedata
from collections.abc import Callable

import pytest

from lgsp.national.phrases import (
    is_denied,
    missing_steps,
    says_absent,
    says_busy,
    says_exists,
    says_session_ended,
    says_trouble,
)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Đồng bộ thành công",
        "Cập nhật thành công, 0 lỗi",
        "Cập nhật thành công 0 lỗi",
        "Không có lỗi",
        "0 lỗi 0 lỗi",
        "Thành công: 1, lỗi: 0",
        "Thành công 12; thất bại 0",
        "Không có hồ sơ nào bị lỗi",
        "CẬP  NHẬT\u00a0THÀNH CÔNG; SỐ LỖI: 0",
        "Không\u200b có lỗi",
        "Cap nhat thanh cong, khong co loi",
        "Success, 0 errors",
        "Tra cứu thành công, không có hồ sơ",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_done_whatever_word_of_a_failure_stands_in_an_assurance(message: str, form: str) -> None:
    assert not is_denied(unicodedata.normalize(form, message))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        "Đồng bộ không thành công",
        "ĐỒNG BỘ  KHÔNG\tTHÀNH\nCÔNG",
        "Chưa thành công",
        "Dữ liệu không hợp lệ",
        "10 lỗi",
        "Cập nhật thành công, 10 lỗi",
        "Thành công 9, lỗi 1",
        "1.0 lỗi",
        "Mã 0: lỗi kết nối",
        "Lỗi 0: không kết nối được",
        "Lỗi: 0, thành công: 0",
        "Không có lỗi nhưng không thành công",
        "khong thanh cong",
        "Update FAILED",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_refused_in_any_form(message: str, form: str) -> None:
    assert is_denied(unicodedata.normalize(form, message))  # type: ignore[arg-type]


def test_tells_what_a_refusal_is_for() -> None:
    assert says_exists("Hồ sơ H37.1-240108-0001 đã  TỒN tại")
    assert not says_exists("Hồ sơ H37.1-240108-0001 không tồn tại")
    assert says_absent("Hồ sơ H37.1-240108-0001 không tồn tại")
    assert says_absent("Không tìm thấy hồ sơ")
    assert not says_absent("MaTTHC: không tồn tại (1.009999)")


@pytest.mark.parametrize(
    ("message", "statuses"),
    [
        ("Thiếu bước xử lý trước đó: 4", {"4"}),
        (unicodedata.normalize("NFD", "THIẾU BƯỚC: 2,4 và 10 (hồ sơ 240108)"), {"2", "4", "10"}),
        ("Chưa có bước trước", set()),
        ("Trạng thái 4 không hợp lệ", None),
    ],
)
def test_reads_which_steps_are_missing(message: str, statuses: set[str] | None) -> None:
    assert statuses == missing_steps(message)


SESSION = [
    "Phiên làm việc đã hết hạn, vui lòng đăng nhập lại",
    "Session không hợp lệ",
    "Hết phiên làm việc",
    "Phien lam viec khong hop le hoac da het han",
    "Invalid token",
    "Session has expired",
]
BUSY = [
    "Hệ thống đang bảo trì, vui lòng thử lại sau",
    "Máy chủ đang bận",
    "He thong qua tai",
    "Service unavailable, try again later",
]
TROUBLE = ["Lỗi hệ thống", "Có lỗi xảy ra: Lỗi kết nối cơ sở dữ liệu", "Execution Timeout expired"]
OF_A_DOSSIER = [
    "MaTTHC không hợp lệ",
    "Hồ sơ không tồn tại",
    "Ngày hẹn trả đã hết hạn",
    "Thiếu trường bắt buộc MaHoSo",
    "Hồ sơ đã tồn tại trong hệ thống",
]


@pytest.mark.parametrize(
    ("says", "messages"),
    [(says_session_ended, SESSION), (says_busy, BUSY), (says_trouble, TROUBLE)],
)
def test_tells_what_is_of_the_portal_from_what_is_of_a_dossier(
    says: Callable[[str], bool], messages: list[str]
) -> None:
    assert messages == [m for m in messages if says(m)]
    assert [] == [m for m in OF_A_DOSSIER if says(m)]
