"""A record and its steps, as the contract writes them, as a side of the comparison. Pure."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from lgsp.domain.codes import is_dossier
from lgsp.domain.reconciliation.held import There
from lgsp.domain.reconciliation.sides import MINUTE_MS, SECOND_MS, Moment, SeenStep, Side
from lgsp.domain.status import Status
from lgsp.domain.working_time import DAY_MS, day_number, day_start_ms
from lgsp.national.wire import is_filed_there

FIELDS = {
    "submitted_at": "NgayNopHoSo",
    "received_at": "NgayTiepNhan",
    "due_at": "NgayHenTra",
    "finished_at": "NgayKetThucXuLy",
    "returned_at": "NgayTra",
}
_STEPS = "DanhSachTienDo"
_DIGITS = 14
_BY_CODE = {str(int(status)): status for status in Status if status}


def side_of(record: Mapping[str, Any], steps: Any, *, ours: bool = False) -> Side:
    """Read a side.

    Args:
        record: as it is sent, or as a look-up gives it; a field in another form is not known.
        steps: a list of steps in the contract's form; anything else: not told.
        ours: written by us, exact to the second; a portal may keep minutes only.
    """
    dates: dict[str, Moment | None] = {}
    for name, field in FIELDS.items():
        text = str(record.get(field, "?")).strip()
        if not text:
            dates[name] = None
        elif (moment := _moment(text, exact=ours)) is not None:
            dates[name] = moment
    return Side(
        status=_BY_CODE.get(str(record.get("TrangThaiHoSo", "")).strip().removeprefix("0")),
        dates=dates,
        steps=_steps(steps, exact=ours),
    )


def there_of(
    code: str, found: Mapping[str, Any] | None, province: str, at: int | None = None
) -> There:
    """Give what a look-up told; `found` None: the portal has no such dossier."""
    ours = is_of(code, province)
    if found is None:
        return There(code=code, found=False, ours=ours, at=at)
    place = str(found.get("NoiNopHoSo") or "").strip()
    return There(
        code=code,
        side=side_of(found, found.get(_STEPS)),
        filed_there=is_filed_there(place) if place else None,
        ours=ours,
        at=at,
    )


def is_of(code: str, province: str) -> bool:
    """Tell whether a dossier's code is one of the province's agencies, in the new or old form."""
    if not is_dossier(code):
        return True  # a local code says nothing of its province
    agency = code.partition("-")[0]
    return province in {agency.partition(".")[0], agency.rpartition(".")[2]}


def step_of_key(key: str) -> SeenStep | None:
    """Read the key of a step, `yyyyMMddHHmmss:status`."""
    at, _, status = key.partition(":")
    moment, known = _moment(at, exact=True), _BY_CODE.get(status)
    return None if moment is None or known is None else SeenStep(moment.at, known)


def _steps(steps: Any, *, exact: bool) -> tuple[SeenStep, ...] | None:
    if not isinstance(steps, list):
        return None
    read: list[SeenStep] = []
    for step in steps:
        given = step if isinstance(step, Mapping) else {}
        moment = _moment(str(given.get("ThoiDiemXuLy", "")).strip(), exact=exact)
        status = _BY_CODE.get(str(given.get("TrangThai", "")).strip().removeprefix("0"))
        if moment is None or status is None:
            return None
        read.append(SeenStep(moment.at, status, moment.span))
    return tuple(sorted(read))


@lru_cache(maxsize=65536)
def _moment(text: str, *, exact: bool) -> Moment | None:
    """Read yyyyMMddHHmmss in Asia/Ho_Chi_Minh; None for another form."""
    if len(text) != _DIGITS or not text.isascii() or not text.isdigit():
        return None
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    try:
        day = day_number(date(int(text[:4]), int(text[4:6]), int(text[6:8])))
    except ValueError:
        return None
    of_day = ((hour * 60 + minute) * 60 + second) * SECOND_MS
    if hour > 23 or minute > 59 or of_day >= DAY_MS:
        return None
    at = day_start_ms(day) + of_day
    return Moment(at, SECOND_MS if exact or second else MINUTE_MS)
