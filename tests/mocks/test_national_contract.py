"""What the mock demands of a record and of a step, field by field."""

from typing import Any

import pytest

from lgsp.mocks.national.contract import (
    DOSSIER,
    fault_of_record,
    fault_of_step,
    is_date,
    without_personal,
)
from tests.simulation.records import RECORD, STEP


def test_takes_the_contract_s_own_sample() -> None:
    assert fault_of_record(RECORD) is None
    assert fault_of_step(STEP) is None


@pytest.mark.parametrize("name", [n for n, rule in DOSSIER.items() if rule.required])
def test_names_a_required_field_that_is_missing(name: str) -> None:
    record = {k: v for k, v in RECORD.items() if k != name}

    assert fault_of_record(record) == f"Thiếu trường bắt buộc {name}"


@pytest.mark.parametrize(
    "name", [n for n, rule in DOSSIER.items() if rule.required and rule.items is None]
)
def test_names_a_required_field_that_is_empty(name: str) -> None:
    assert fault_of_record(RECORD | {name: ""}) == f"Thiếu trường bắt buộc {name}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"MaHoSo": "H37-1"}, "MaHoSo: sai định dạng (H37-1)"),
        ({"MaTTHC": "1.12"}, "MaTTHC: sai định dạng (1.12)"),
        ({"TrangThaiHoSo": "11"}, "TrangThaiHoSo: giá trị không hợp lệ (11)"),
        ({"TrangThaiHoSo": 4}, "TrangThaiHoSo: phải là chuỗi ký tự"),
        ({"KenhThucHien": "4"}, "KenhThucHien: giá trị không hợp lệ (4)"),
        ({"NgayHenTra": "20240230080000"}, "không phải ngày yyyyMMddHHmmss (20240230080000)"),
        ({"NgayHenTra": "2024-07-10"}, "NgayHenTra: không phải ngày"),
        ({"NgayTiepNhan": ""}, "Thiếu trường bắt buộc NgayTiepNhan"),
        ({"TrichYeuHoSo": "x" * 1001}, "TrichYeuHoSo: dài quá 1000 ký tự"),
        ({"TaiLieuNop": ""}, "TaiLieuNop: phải là một danh sách"),
        ({"TaiLieuNop": [{"La": "1"}]}, "Trường không có trong hợp đồng: TaiLieuNop[0].La"),
        ({"DSKetNoiCSDL": [{}]}, "Thiếu trường bắt buộc DSKetNoiCSDL[0].MaCSDL"),
        ({"mahoso": "x"}, "Trường không có trong hợp đồng: mahoso"),
    ],
)
def test_names_the_field_at_fault(change: dict[str, Any], said: str) -> None:
    assert said in str(fault_of_record(RECORD | change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TrangThai": ""}, "Thiếu trường bắt buộc TrangThai"),
        ({"ThoiDiemXuLy": "20240705250000"}, "ThoiDiemXuLy: không phải ngày"),
        ({"NguoiXuLy": "x" * 51}, "NguoiXuLy: dài quá 50 ký tự"),
    ],
)
def test_names_the_field_of_a_step_at_fault(change: dict[str, str], said: str) -> None:
    assert said in str(fault_of_step(STEP | change))


def test_never_repeats_a_personal_value() -> None:
    wrong = RECORD | {"DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "12345"}]}

    assert fault_of_record(wrong) == "DinhDanhCHS[0].SoDinhDanh: sai định dạng"


@pytest.mark.parametrize("status", ["1", "3", "5", "7"])
def test_needs_no_reception_date_of_what_may_not_be_received(status: str) -> None:
    assert fault_of_record(RECORD | {"TrangThaiHoSo": status, "NgayTiepNhan": ""}) is None


def test_knows_real_dates_from_texts() -> None:
    assert is_date("20240229235959")
    assert not is_date("20230229000000")
    assert not is_date("20240101240000")
    assert not is_date("2024010100000")


def test_takes_the_personal_fields_out() -> None:
    shown = without_personal(RECORD)

    assert {"ChuHoSo", "DinhDanhCHS", "Email", "TrichYeuHoSo"}.isdisjoint(shown)
    assert shown["MaHoSo"] == RECORD["MaHoSo"]
