"""Decides what to send of a dossier: the record, the steps, or nothing and why. Pure.

The record is that of the merged dossier, so it is the newest state whatever the order of the
events: an older one is never sent over it. Statuses are sent as they are; what is not mapped is
held, never guessed, never sent empty. Progress steps are dated history: one that became known late
is sent *before* the record, so the last word of a push is the newest state in any reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from lgsp.domain.codes import is_dossier, is_procedure, national_procedure
from lgsp.domain.details import Answer, FilingPlace, Payment, latest
from lgsp.domain.dossier import Dossier, effective_transitions, last_reopening
from lgsp.domain.event import Channel
from lgsp.domain.period import local_datetime
from lgsp.domain.standing import finishing_time, reception_time
from lgsp.domain.statements import by_statement, is_removed
from lgsp.domain.status import OFFICIAL_WORDS, Status, StatusSemantics
from lgsp.domain.transition import Transition
from lgsp.national.acknowledged import Acknowledged, digest, step_key

CHUNK = 10  # progress steps in one call
_SUMMARY = 1000
_PERSON = 50
_OWNER_KINDS = frozenset({"1", "2", "3", "4"})
# The contract demands a kind of owner; portals that do not tell it file citizens' dossiers.
_CITIZEN = "1"
_KIND_OF_IDENTITY = {12: "1", 9: "2"}

NationalRecord = dict[str, Any]


class HeldReason(StrEnum):
    """Why a dossier is not sent: a closed set."""

    UNMAPPED_STATUS = "unmapped_status"
    UNMAPPED_PROCEDURE = "unmapped_procedure"
    UNKNOWN_PROCEDURE = "unknown_procedure"  # well-formed, but not in the national catalogue
    SEALED_DATA = "sealed_data"  # the personal data cannot be opened with the keys we have
    DOSSIER_CODE = "dossier_code"  # not of the national form
    REMOVED = "removed"  # the source no longer holds it


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing is sent until an event or an operator changes it."""

    reason: HeldReason


@dataclass(frozen=True, slots=True)
class Names:
    """What the national catalogue says of a dossier's procedure."""

    procedure: str
    domain: str
    domain_name: str


class Step(NamedTuple):
    """A progress step: what makes it the same one, its time (yyyyMMddHHmmss), what is sent."""

    key: str
    at: str
    record: NationalRecord


@dataclass(frozen=True, slots=True)
class Draft:
    """All that the portal should hold of a dossier: its record and its steps in time order."""

    record: NationalRecord
    record_digest: str
    steps: tuple[Step, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, in this order: `late` steps, the record if it `changed`, `steps`."""

    changed: bool
    late: tuple[NationalRecord, ...]
    steps: tuple[NationalRecord, ...]

    @property
    def empty(self) -> bool:
        """Whether the portal has it all."""
        return not (self.changed or self.late or self.steps)


def national_code(dossier: Dossier) -> str:
    """Give the code by which the national portal knows the dossier."""
    return dossier.national_code or dossier.code


def held(dossier: Dossier, statuses: StatusSemantics) -> Held | None:
    """Tell why the dossier cannot be sent, as far as that is known without the catalogue."""
    if not is_dossier(national_code(dossier)):
        return Held(HeldReason.DOSSIER_CODE)
    if is_removed(dossier.transitions):
        return Held(HeldReason.REMOVED)
    if not effective_transitions(dossier, statuses):
        return Held(HeldReason.UNMAPPED_STATUS)
    if not is_procedure(dossier.procedure):
        return Held(HeldReason.UNMAPPED_PROCEDURE)
    return None


def draft(
    dossier: Dossier,
    statuses: StatusSemantics,
    names: Names | None,
    person: Mapping[str, str] | None = None,
) -> Draft | Held:
    """Write what the portal should hold.

    Args:
        dossier: the merged dossier.
        statuses: which of its transitions take effect, and what they mean.
        names: the catalogue's names of its procedure; None: the catalogue does not know it.
        person: opened personal fields (owner_name, owner_id, owner_kind, phone, email).
    """
    if found := held(dossier, statuses):
        return found
    if names is None:
        return Held(HeldReason.UNKNOWN_PROCEDURE)
    taken = effective_transitions(dossier, statuses)
    record = _record(dossier, taken, statuses, names, person or {})
    steps: dict[str, Step] = {}
    for transition in _changes(taken):
        step = _step(dossier, transition)
        at, status = step["ThoiDiemXuLy"], step["TrangThai"]
        key = step_key(at, status)
        steps.setdefault(key, Step(key, at, step))
    return Draft(record, digest(record), tuple(steps.values()), taken[-1].status)


def plan(wanted: Draft, acknowledged: Acknowledged) -> Plan:
    """Plan what is still to be sent, given what the portal is known to hold."""
    unsent = [step for step in wanted.steps if step.key not in acknowledged.steps]
    newest = acknowledged.newest_step
    return Plan(
        changed=acknowledged.record != wanted.record_digest,
        late=tuple(step.record for step in unsent if step.at < newest),
        steps=tuple(step.record for step in unsent if step.at >= newest),
    )


@lru_cache(maxsize=65536)
def wire_time(at: int) -> str:
    """Return the instant as yyyyMMddHHmmss in Asia/Ho_Chi_Minh."""
    return local_datetime(at).strftime("%Y%m%d%H%M%S")


def _wire(at: int | None) -> str:
    return "" if at is None else wire_time(at)


def _changes(taken: list[Transition]) -> list[Transition]:
    """Return the steps that changed the status: repeats in a row are one step, the first."""
    return [t for i, t in enumerate(taken) if i == 0 or taken[i - 1].status is not t.status]


def _record(
    dossier: Dossier,
    taken: list[Transition],
    statuses: StatusSemantics,
    names: Names,
    person: Mapping[str, str],
) -> NationalRecord:
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
        "NoiNopHoSo": str(int(details.filing_place or FilingPlace.LOCAL)),
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


def _returned_at(
    dossier: Dossier, taken: list[Transition], statuses: StatusSemantics
) -> int | None:
    """Give the stated time unless the source has reopened the dossier since; else that of 10."""
    stated, reopened = dossier.returned_at, last_reopening(taken, statuses)
    if stated is not None and (reopened is None or stated >= reopened):
        return stated
    return taken[-1].occurred_at if taken[-1].status is Status.RESULT_RETURNED else None


def _step(dossier: Dossier, transition: Transition) -> NationalRecord:
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


_PAID = {
    Payment.UNKNOWN: "0",
    Payment.NONE: "0",
    Payment.ONLINE_NATIONAL: "1",
    Payment.ONLINE_LOCAL: "2",
    Payment.OFFLINE: "3",
}
