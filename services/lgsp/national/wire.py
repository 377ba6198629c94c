"""What the national portal's contract calls each thing: record and progress step of a dossier."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lgsp.domain.codes import national_procedure
from lgsp.domain.details import Answer, Details, FilingPlace, Payment, latest
from lgsp.domain.dossier import Dossier, last_reopening
from lgsp.domain.event import Channel
from lgsp.domain.period import local_datetime
from lgsp.domain.standing import finishing_time, reception_time
from lgsp.domain.statements import by_statement
from lgsp.domain.status import OFFICIAL_WORDS, Status, StatusSemantics
from lgsp.domain.transition import Transition

_SUMMARY = 1000
_PERSON = 50
_OWNER_KINDS = frozenset({"1", "2", "3", "4"})
# The contract demands a kind of owner; portals that do not tell it file citizens' dossiers.
_CITIZEN = "1"
_KIND_OF_IDENTITY = {12: "1", 9: "2"}
_PAID = {
    Payment.UNKNOWN: "0",
    Payment.NONE: "0",
    Payment.ONLINE_NATIONAL: "1",
    Payment.ONLINE_LOCAL: "2",
    Payment.OFFLINE: "3",
}

_SECRET = ("session", "password")
_PERSONAL = ("ChuHoSo", "MaDoiTuong", "Email", "SoDienThoai")
_PLACES = frozenset(str(int(place)) for place in FilingPlace if place)
_NATIONAL = str(int(FilingPlace.NATIONAL_PORTAL))
# What the portal has of a dossier that was filed there, and our sources may not state.
_FILED_THERE = (
    "KenhThucHien",
    "ChuHoSo",
    "MaDoiTuong",
    "Email",
    "SoDienThoai",
    "DinhDanhCHS",
    "DSKetNoiCSDL",
    "TaiLieuNop",
    "DanhSachLePhi",
    "DanhSachTepDinhKemKhac",
)

NationalRecord = dict[str, Any]
"""Field -> value, as the contract names them; times are yyyyMMddHHmmss in Asia/Ho_Chi_Minh."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the national catalogue says of a dossier's procedure."""

    procedure: str
    domain: str
    domain_name: str


def hidden_in(body: Mapping[str, Any]) -> frozenset[str]:
    """Return what a call sends and nothing said of it may show: persons, session, password."""
    values = {str(body.get(name) or "") for name in _SECRET}
    for record in body.get("data", ()):
        values.update(str(record.get(name) or "") for name in _PERSONAL)
        for identity in record.get("DinhDanhCHS", ()):
            values.update(map(str, identity.values()))
    return frozenset(values)


def national_code(dossier: Dossier) -> str:
    """Give the code by which the national portal knows the dossier."""
    return dossier.national_code or dossier.code


@lru_cache(maxsize=65536)
def wire_time(at: int) -> str:
    """Return the instant as yyyyMMddHHmmss in Asia/Ho_Chi_Minh."""
    return local_datetime(at).strftime("%Y%m%d%H%M%S")


def _wire(at: int | None) -> str:
    return "" if at is None else wire_time(at)


def record_of(
    dossier: Dossier,
    taken: list[Transition],
    statuses: StatusSemantics,
    names: Names,
    person: Mapping[str, str],
    place: str = "",
) -> NationalRecord:
    """Write the record: the newest state of the dossier.

    Args:
        dossier: the merged dossier.
        taken: its transitions that take effect, one or more, in order.
        statuses: what they mean.
        names: the catalogue's names of its procedure.
        person: opened personal fields, as far as there are any.
        place: where it was filed by the portal's word, for sources that do not say.
    """
    current = taken[-1]
    ended = statuses.finishes[current.status]
    finished_at = finishing_time(dossier, taken, statuses) if ended else None
    returned_at = _returned_at(dossier, taken, statuses) if ended else None
    received_at = reception_time(dossier, taken, statuses)
    registered_at = taken[0].occurred_at if taken[0].status is Status.REGISTERED else None
    submitted_at = dossier.submitted_at or registered_at or received_at or taken[0].occurred_at
    refused_at = current.occurred_at if current.status is Status.REFUSED else None
    owner_id = person.get("owner_id", "")
    kind = person.get("owner_kind", "")
    details = latest(t.details for t in by_statement(dossier.transitions))
    identity = _KIND_OF_IDENTITY.get(len(owner_id)) if owner_id.isdigit() else None
    return {
        "MaHoSo": national_code(dossier),
        "MaTTHC": national_procedure(dossier.procedure),
        "TenTTHC": names.procedure,
        "MaLinhVuc": names.domain,
        "TenLinhVuc": names.domain_name,
        "KenhThucHien": str(int(dossier.channel)) if dossier.channel else "",
        "ChuHoSo": person.get("owner_name", ""),
        "LoaiDoiTuong": kind if kind in _OWNER_KINDS else _CITIZEN,
        "MaDoiTuong": "",
        "Email": person.get("email", ""),
        "SoDienThoai": person.get("phone", ""),
        "TrichYeuHoSo": names.procedure[:_SUMMARY],
        "NgayTiepNhan": _wire(received_at),
        "NgayHenTra": _wire(dossier.due_at),
        "TrangThaiHoSo": str(int(current.status)),
        "NgayTra": _wire(returned_at),
        "ThongTinTra": "",
        "HinhThuc": "1" if dossier.channel is Channel.POSTAL else "0",
        "NgayKetThucXuLy": _wire(finished_at),
        "DonViXuLy": dossier.agency,
        "GhiChu": "",
        "NoiNopHoSo": _filed_at(details, place),
        "HoSoCoThanhPhanSoHoa": "1" if details.components_digitised else "0",
        "TaiKhoanDuocXacThucVoiVNeID": "1" if details.vneid_verified is Answer.YES else "0",
        "DuocThanhToanTrucTuyen": _PAID[details.payment],
        "NgayTuChoi": _wire(refused_at),
        "NgayNopHoSo": wire_time(submitted_at),
        "DinhDanhCHS": ([{"LoaiDinhDanh": identity, "SoDinhDanh": owner_id}] if identity else []),
        "DSKetNoiCSDL": [],
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [],
    }


def as_filed_there(record: NationalRecord, found: NationalRecord | None) -> NationalRecord:
    """Return the record of a dossier that was filed at the portal, by a look-up's answer.

    What the portal has and our sources do not state stays as it is: an update replaces the whole.
    """
    if found is None or record["NoiNopHoSo"] != _NATIONAL:
        return record
    kept = {name: found.get(name) for name in _FILED_THERE if not record[name]}
    kept["TrichYeuHoSo"] = found.get("TrichYeuHoSo")  # ours is only the procedure's name
    if not record["ChuHoSo"]:
        kept["LoaiDoiTuong"] = found.get("LoaiDoiTuong")
    return record | {
        name: value
        for name, value in kept.items()
        if value and isinstance(value, type(record[name]))
    }


def place_in(found: NationalRecord) -> str:
    """Return where a dossier was filed by a look-up's word, "" when it does not say."""
    place = str(found.get("NoiNopHoSo") or "").strip()
    return place if place in _PLACES else ""


def is_filed_there(place: str) -> bool:
    """Tell whether a place of filing, as the portal says it, is the national portal."""
    return place == _NATIONAL


def _filed_at(details: Details, place: str) -> str:
    if details.filing_place is FilingPlace.UNKNOWN and place in _PLACES:
        return place
    return str(int(details.filing_place or FilingPlace.LOCAL))


def _returned_at(
    dossier: Dossier, taken: list[Transition], statuses: StatusSemantics
) -> int | None:
    """Give the stated time unless the source has reopened the dossier since; else that of 10."""
    stated, reopened = dossier.returned_at, last_reopening(taken, statuses)
    if stated is not None and (reopened is None or stated >= reopened):
        return stated
    return taken[-1].occurred_at if taken[-1].status is Status.RESULT_RETURNED else None


def step_of(dossier: Dossier, transition: Transition) -> NationalRecord:
    """Write one progress step."""
    return {
        "MaHoSo": national_code(dossier),
        # The official is not on the log (personal data that no figure needs): the unit stands in.
        "NguoiXuLy": dossier.agency[:_PERSON],
        "ChucDanh": "",
        "ThoiDiemXuLy": wire_time(transition.occurred_at),
        "PhongBanXuLy": "",
        "NoiDungXuLy": OFFICIAL_WORDS[transition.status],
        "TrangThai": str(int(transition.status)),
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": _wire(transition.due_at),
    }
