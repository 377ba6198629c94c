"""Field rules of the wire contract: what the portal demands of a record and of a progress step.

Every value is a string (lists are lists of such records); dates are `yyyyMMddHHmmss` in
Asia/Ho_Chi_Minh. The mock keeps its own copy of the contract and shares no code with the client,
so a mistake of the client cannot hide in both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from typing import Any

NationalRecord = dict[str, Any]

_DOSSIER = re.compile(
    r"(?:\d{3}\.\d{2}\.\d{2}\.[GH]\d{2}|[GH]\d{2}(?:\.\d{1,3}){0,3})-(?:\d{6}|\d{8})-\d{4,7}"
)
_PROCEDURE = re.compile(r"\d\.\d{6}(?:\.\d{3}\.\d{2}\.\d{2}\.[GH]\d{2})?")
_DATE_LENGTH = 14
# 5 and 7 may come before reception: demanding a date there would make callers invent one.
_MAYBE_NOT_RECEIVED = ("1", "3", "5", "7")


@lru_cache(maxsize=65536)
def is_date(text: str) -> bool:
    """Tell whether the text is a real date and time of the form yyyyMMddHHmmss."""
    if len(text) != _DATE_LENGTH or not (text.isascii() and text.isdigit()):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        time(int(text[8:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one field must be.

    `required`: present and not empty. `form`: a pattern that the whole value must match.
    `choices`: the closed set of values. `items`: the field is a list of such records. `personal`:
    the value never appears in an answer, in the log or in the read interface.
    """

    required: bool = False
    longest: int = 500
    date: bool = False
    form: re.Pattern[str] | None = None
    choices: frozenset[str] | None = None
    items: Mapping[str, "FieldRule"] | None = None
    personal: bool = False


def _one_of(*choices: str, required: bool = True) -> FieldRule:
    return FieldRule(required=required, choices=frozenset(choices))


_TEXT = FieldRule()
_NAME = FieldRule(required=True)
_DATE = FieldRule(date=True)
_PERSONAL = FieldRule(personal=True, longest=200)
_FLAG = _one_of("0", "1")
_MAYBE_FLAG = _one_of("0", "1", required=False)
_STATUS = _one_of(*map(str, range(1, 11)))
_CODE = FieldRule(required=True, form=_DOSSIER)

_ATTACHMENT = {
    "TepDinhKemId": _TEXT,
    "TenTepDinhKem": FieldRule(longest=4000),
    "IsDeleted": _one_of("True", "False", "0", "1", required=False),
    "MaThanhPhanHoSo": _TEXT,
    "DuongDanTaiTepTin": FieldRule(longest=4000, personal=True),
    "DuocSoHoa": _MAYBE_FLAG,
    "DuocTaiSuDung": _one_of("0", "1", "2", required=False),
    "DuocLayTuKhoDMQG": _MAYBE_FLAG,
    "MaKetQuaThayThe": _TEXT,
}
_FEE = {
    "TenPhiLePhi": _TEXT,
    "MaPhiLePhi": _TEXT,
    "HinhThucThu": _one_of("1", "2", "4", required=False),
    "Gia": FieldRule(form=re.compile(r"\d{1,15}")),
    "LoaiPhiLePhi": _one_of("1", "2", "3", required=False),
}
_PAPER = {"TenGiayTo": FieldRule(longest=2000), "SoLuong": _TEXT, "LoaiGiayTo": _TEXT}
_SUPPLEMENT = {
    "HoSoBoSungId": _TEXT,
    "NguoiYeuCauBoSung": _PERSONAL,
    "NoiDungBoSung": FieldRule(longest=2000, personal=True),
    "NgayBoSung": _DATE,
    "NguoiTiepNhanBoSung": _PERSONAL,
    "ThongTinTiepNhan": FieldRule(longest=2000, personal=True),
    "NgayTiepNhanBoSung": _DATE,
    "TrangThaiBoSung": _TEXT,
    "DanhSachGiayToBoSung": FieldRule(items=_PAPER),
    "DanhSachLePhiBoSung": FieldRule(items=_FEE),
    "NgayHenTraTruoc": _DATE,
    "NgayHenTraMoi": _DATE,
}
_RESULT = {
    "TenGiayTo": FieldRule(longest=2000),
    "MaThanhPhanHoSo": _TEXT,
    "GiayToId": _TEXT,
    "DuongDanTepTinKetQua": FieldRule(longest=4000, personal=True),
    "MaGiayToKetQua": _TEXT,
}
_IDENTITY = {
    "LoaiDinhDanh": _one_of("1", "2"),
    "SoDinhDanh": FieldRule(required=True, form=re.compile(r"\d{9}|\d{12}"), personal=True),
}

DOSSIER: Mapping[str, FieldRule] = {
    "MaHoSo": _CODE,
    "MaTTHC": FieldRule(required=True, form=_PROCEDURE),
    "TenTTHC": FieldRule(required=True, longest=1000),
    "MaLinhVuc": _NAME,
    "TenLinhVuc": _NAME,
    "KenhThucHien": _one_of("1", "2", "3", required=False),
    "SoBienNhan": _TEXT,
    "ChuHoSo": _PERSONAL,
    "SoGiayToChuHoSo": _PERSONAL,
    "LoaiDoiTuong": _one_of("1", "2", "3", "4"),
    "MaDoiTuong": _PERSONAL,
    "ThongTinKhac": FieldRule(longest=1000, personal=True),
    "Email": _PERSONAL,
    "Fax": _PERSONAL,
    "SoDienThoai": _PERSONAL,
    "TrichYeuHoSo": FieldRule(required=True, longest=1000, personal=True),
    "NgayTiepNhan": _DATE,  # required unless the dossier is not received: see `fault_of_record`
    "NgayHenTra": _DATE,
    "TrangThaiHoSo": _STATUS,
    "NgayTra": _DATE,
    "ThongTinTra": FieldRule(longest=1000, personal=True),
    "HinhThuc": _FLAG,
    "NgayKetThucXuLy": _DATE,
    "DonViXuLy": _NAME,
    "GhiChu": FieldRule(longest=1000, personal=True),
    "NoiNopHoSo": _one_of("1", "2"),
    "HoSoCoThanhPhanSoHoa": _FLAG,
    "TaiKhoanDuocXacThucVoiVNeID": _FLAG,
    "DuocThanhToanTrucTuyen": _one_of("0", "1", "2", "3"),
    "NgayTuChoi": _DATE,
    "NgayNopHoSo": FieldRule(required=True, date=True),
    "DinhDanhCHS": FieldRule(required=True, items=_IDENTITY, personal=True),
    "DSKetNoiCSDL": FieldRule(required=True, items={"MaCSDL": _NAME}),
    "TaiLieuNop": FieldRule(items=_ATTACHMENT, personal=True),
    "DanhSachLePhi": FieldRule(items=_FEE),
    "DanhSachTepDinhKemKhac": FieldRule(items=_PAPER, personal=True),
    "DanhSachHoSoBoSung": FieldRule(items=_SUPPLEMENT, personal=True),
    "DanhSachGiayToKetQua": FieldRule(items=_RESULT, personal=True),
}
STEP: Mapping[str, FieldRule] = {
    "MaHoSo": _CODE,
    "NguoiXuLy": FieldRule(required=True, longest=50, personal=True),
    "ChucDanh": _TEXT,
    "ThoiDiemXuLy": FieldRule(required=True, date=True),
    "PhongBanXuLy": _TEXT,
    "NoiDungXuLy": FieldRule(longest=1000, personal=True),
    "TrangThai": _STATUS,
    "NgayBatDau": _DATE,
    "NgayKetThucTheoQuyDinh": _DATE,
}


def fault_of_record(record: object) -> str | None:
    """Return what is wrong with a dossier record, in Vietnamese; None when nothing is."""
    fault = fault_of(record, DOSSIER)
    if fault is None and isinstance(record, dict):
        received = record.get("NgayTiepNhan")
        if not received and record["TrangThaiHoSo"] not in _MAYBE_NOT_RECEIVED:
            return "Thiếu trường bắt buộc NgayTiepNhan"
    return fault


def fault_of_step(step: object) -> str | None:
    """Return what is wrong with a progress step, in Vietnamese; None when nothing is."""
    return fault_of(step, STEP)


def fault_of(record: object, rules: Mapping[str, FieldRule], where: str = "") -> str | None:
    """Return the first fault of a record by the rules, naming the field; None when it is right."""
    if not isinstance(record, dict):
        return f"{where or 'data'}: phải là một bản ghi"
    for name, value in record.items():
        rule = rules.get(name)
        if rule is None:
            return f"Trường không có trong hợp đồng: {where}{name}"
        fault = _fault_of_value(f"{where}{name}", value, rule)
        if fault:
            return fault
    for name, rule in rules.items():
        if rule.required and name not in record:
            return f"Thiếu trường bắt buộc {where}{name}"
    return None


def _fault_of_value(name: str, value: object, rule: FieldRule) -> str | None:  # noqa: PLR0911
    if rule.items is not None:
        if not isinstance(value, list):
            return f"{name}: phải là một danh sách"
        faults = (fault_of(item, rule.items, f"{name}[{i}].") for i, item in enumerate(value))
        return next(filter(None, faults), None)
    if not isinstance(value, str):
        return f"{name}: phải là chuỗi ký tự"
    if not value:
        return f"Thiếu trường bắt buộc {name}" if rule.required else None
    shown = "" if rule.personal else f" ({value[:60]})"
    if len(value) > rule.longest:
        return f"{name}: dài quá {rule.longest} ký tự"
    if rule.date:
        return None if is_date(value) else f"{name}: không phải ngày yyyyMMddHHmmss{shown}"
    if rule.choices is not None and value not in rule.choices:
        return f"{name}: giá trị không hợp lệ{shown}"
    if rule.form is not None and rule.form.fullmatch(value) is None:
        return f"{name}: sai định dạng{shown}"
    return None


def without_personal(
    record: NationalRecord, rules: Mapping[str, FieldRule] = DOSSIER
) -> NationalRecord:
    """Return the record without its personal fields."""
    return {k: v for k, v in record.items() if k in rules and not rules[k].personal}
