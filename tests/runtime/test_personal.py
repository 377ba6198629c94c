"""What looks like a person's is masked or described; codes, dates and status words are not."""

import unicodedata

import pytest

from lgsp.runtime.personal import (
    HIDDEN,
    looks_personal,
    mask,
    mask_file_name,
    shown,
    shown_code,
    shown_date,
)


def wide(text: str) -> str:
    """Give a text in letters of full width."""
    return text.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)} | {0x20: 0x3000})


@pytest.mark.parametrize(
    "number",
    ["0912 345 678", "079 012 345 678", "0912.345.678", "0912-345-678", "+84 912 345 678",
     "0912345678", "079012345678", "0790 1234 5678", "0912 34 56 78", "test@example.vn"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "tel: {}.", "05.07.2024 08:15 {}", "({})", "{}, x"])
def test_numbers_are_masked_with_blanks_dots_and_dashes(number: str, around: str) -> None:
    assert mask(around.format(number)) == around.format(HIDDEN)


@pytest.mark.parametrize(
    "number",
    [wide("0912345678"), "0912\u00a0345\u00a0678", "0912\u202f345\u202f678", "0912–345–678",
     "0912\u2011345\u2011678", "0912\u200b345\u200b678", "٠٩١٢٣٤٥٦٧٨", "0912  345  678",
     "0912\t345\t678", "09 12 34 56 78", "84912345678", "0084912345678", "+84 (0) 912 345 678",
     "02053812345", "0205 3812 345", "024.3825.1234", wide("079 012 345 678"),
     "4111 1111 1111 1111",
     "test＠example.vn", wide("test@example.vn"), "test%40example.vn", "o'test@example.vn"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "tel: {}.", "[{}]", "Không tìm thấy {}"])
def test_numbers_are_masked_in_each_form_that_a_reader_takes_for_one(
    number: str, around: str
) -> None:
    assert mask(around.format(number)) == around.format(HIDDEN)


def test_a_number_in_brackets_is_masked() -> None:
    assert mask("gọi (0912) 345 678 nhé") == f"gọi ({HIDDEN} nhé"


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("STK 19034567890123, Test", f"STK {HIDDEN}, Test"),
        ("số tài khoản: 1903 4567 8901 23", f"số tài khoản: {HIDDEN}"),
        ("Hộ chiếu số C1234567", f"Hộ chiếu số {HIDDEN}"),
        ("CMND số 01234567 8", f"CMND số {HIDDEN}"),
        ("postgresql://lgsp:s3cr/et@db:5432/x", f"postgresql://{HIDDEN}@db:5432/x"),
        ("http://a:p@ss@host/", f"http://{HIDDEN}@host/"),
        ("GET /x?token=abc&page=2", f"GET /x?token={HIDDEN}&page=2"),
    ],
)
def test_what_is_announced_by_the_word_before_it_is_masked(text: str, shown_as: str) -> None:
    assert mask(text) == shown_as


@pytest.mark.parametrize(
    "text",
    ["ông Nguyễn Văn Test", "chu ho so: NGUYEN VAN TEST", "Không có hồ sơ của NGUYEN VAN TEST",
     "'Nguyễn Văn Test'", "ông Nguyễn Văn Test".translate({0x20: 0xA0}), wide("NGUYEN VAN TEST"),
     unicodedata.normalize("NFD", "bà Nguyễn Thị Test"), "ONG NGUYEN VAN TEST"],
)  # fmt: skip
def test_a_name_in_a_text_is_masked(text: str) -> None:
    assert "test" not in unicodedata.normalize("NFKC", mask(text)).lower()
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    ["Từ chối do văn bản không hợp lệ", "UBND phường Hoàng Văn Thụ", "Trường THCS Lê Văn Tám",
     "offset 1719400000000", "years 2024 2025 2026", "20240630170000 3 of 12", "Đã nộp 123 đồng",
     "Sở Kế hoạch và Đầu tư", "http://host:8080/x", "https://example.vn/a@b", "token bucket"],
)  # fmt: skip
def test_words_places_and_figures_of_a_text_stay(text: str) -> None:
    for form in ("NFC", "NFD"):
        given = unicodedata.normalize(form, text)
        assert mask(given) == given


@pytest.mark.parametrize(
    "text",
    ["05-07-2024 08:15", "05.07.2024", "H08-240705-0001", "000.00.12.H37-220921-0099",
     "G09.20-20260609-0092637", "1.001612.000.00.00.H48", "2024-01-01 08:15:00",
     "000.00.12.H37–220921–0099", f"{wide('2024')}-01-01", "12/TN-2024"],
)  # fmt: skip
def test_codes_and_dates_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    ["NGUYEN VAN TEST", "Trần Thị Thử", "Lò Văn Mẫu", "12 thôn Bản Mới", "0912 345 678",
     "Số 12 đường Lê Lợi, TP Lạng Sơn", "x" * 201, "nguyễn văn test", "Giàng A Thử",
     unicodedata.normalize("NFD", "Trần Thị Thử"), wide("0912345678"), "Thôn Nà Test, xã Mẫu",
     "12/3 Lê Lợi, P. Mẫu"],
)  # fmt: skip
def test_what_may_be_a_person_s_is_described(text: str) -> None:
    assert looks_personal(text)
    assert shown(text).startswith("[")


@pytest.mark.parametrize(
    "text",
    ["Đang xử lý", "DANG XU LY", "Hồ Sơ Mới", "LE PHI", "Phường Hoàng Văn Thụ", "Sở Tư pháp",
     "Trực tuyến", "sap xu ly", "H37.12", "FAX"],
)  # fmt: skip
def test_words_of_statuses_and_units_are_shown(text: str) -> None:
    assert shown(text) == text


def test_a_code_and_a_date_are_shown_by_their_look() -> None:
    assert shown_code("H37-24010-0001") == "H37-24010-0001"
    assert shown_code("Thửa Đất Mới") == "[a text of 12 characters, 3 words]"
    assert shown_code("0912345678") == "[10 digits]"
    assert shown_date("31/02/2024 24:01") == "31/02/2024 24:01"
    assert shown_date("Thửa Đất") == "[a text of 8 characters, 2 words]"


def test_names_of_files_are_masked_between_their_dashes() -> None:
    assert mask_file_name("inbox/nguyen-van-test-0912345678.csv:3") == "inbox/***-***.csv:3"
    name = "inbox/don-vi-H37.12-20240705.csv:2"
    assert mask_file_name(name) == name
