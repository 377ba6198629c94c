"""What a usable event is: one that can be counted, stored, sent on and shown.

The one rule of all who meet an event: the connector before it produces it, both processors and
both folds when they read it. It looks at the event and the arguments alone, so an event that is
used once is used at every replay.
"""

from functools import lru_cache
from operator import attrgetter

from lgsp.domain.details import MOST
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import ID_BYTES, DossierEvent
from lgsp.domain.period import show_instant
from lgsp.domain.working_time import DAY_MS, Years, date_of, day_of

TEXTS = (
    "dossier_code",
    "portal",
    "agency",
    "province",
    "procedure",
    "domain",
    "source_status",
    "national_code",
)
REQUIRED = TEXTS[:3]
"""Texts that may not be empty: without them a dossier is not told from another."""
DATES = (
    "occurred_at",
    "submitted_at",
    "received_at",
    "due_at",
    "finished_at",
    "returned_at",
    "stated_at",
)

LONGEST_TEXT = 800
"""Bytes of a text in UTF-8. PostgreSQL indexes 2,704 bytes, and a service is three texts."""
LONGEST_SEALED = 65_536
"""Bytes of the sealed personal data; the log takes records of 1 MB."""
FIRST_OBSERVATION = 946_684_800_000
"""2000-01-01 UTC, ms: nobody observed a portal before."""
ADVANCE = DAY_MS
"""A clock may be that much ahead, in ms."""

_texts_of = attrgetter(*TEXTS)
_dates_of = attrgetter(*DATES)
_numbers_of = attrgetter("sequence", "stated_row")


def check_usable(event: DossierEvent, years: Years, now: int | None = None) -> None:
    """See that the event is usable.

    Args:
        event: as stated or as read.
        years: those of the calendar by which its dates will be counted.
        now: ms UTC; the event was observed and stated at most a day later. A connector's own time,
            or when the record was written to the log: never the time of a replay, which changes.
            None: not known, so the years alone bound the observation.

    Raises:
        RejectedRecord: naming the attribute and its value (the beginning of a long one).
    """
    if fault := _fault_of(_texts_of(event), event.removed):
        name, detail = fault
        reason = RejectReason.BAD_VALUE if detail else RejectReason.MISSING_FIELD
        value = printable(getattr(event, name))
        raise RejectedRecord(reason, field=name, value=value, detail=detail or "is empty")
    if len(event.event_id) != ID_BYTES:
        detail = f"{len(event.event_id)} bytes, not {ID_BYTES}: see domain/event.py, with_id"
        raise RejectedRecord(RejectReason.BAD_VALUE, field="event_id", detail=detail)
    since, until = years
    for at in _dates_of(event):
        if at is not None and not since <= at < until:
            raise _bad_date(event, years)
    latest = until - 1 if now is None else min(until - 1, now + ADVANCE)
    if not FIRST_OBSERVATION <= event.observed_at <= latest:
        detail = f"not from 2000 to {show_instant(latest)}"
        raise _reject(RejectReason.BAD_DATE, "observed_at", event.observed_at, detail)
    if event.stated_at is not None and event.stated_at > latest:
        detail = "more than a day after it was written"
        raise _reject(RejectReason.BAD_DATE, "stated_at", event.stated_at, detail)
    sequence, row = _numbers_of(event)
    if not -(2**63) <= sequence < 2**63:
        raise _reject(RejectReason.BAD_VALUE, "sequence", sequence, "more than 64 bits")
    if not 0 <= row < 2**63:
        raise _reject(RejectReason.BAD_VALUE, "stated_row", row, "negative, or more than 64 bits")
    if event.details is not None:
        for name in MOST:
            number = getattr(event.details, name)
            if number is not None and not 0 <= number < 2**63:
                detail = "negative, or more than 64 bits"
                raise _reject(RejectReason.BAD_VALUE, f"details.{name}", number, detail)
    if event.sealed is not None and len(event.sealed) > LONGEST_SEALED:
        raise RejectedRecord(
            RejectReason.BAD_VALUE,
            field="sealed",
            detail=f"{len(event.sealed):,} bytes of personal data; at most {LONGEST_SEALED:,}",
        )


def text_fault(text: str) -> str:
    """Say why a text cannot be kept by every store and topic; "" when it can."""
    if "\0" in text:
        return "the text holds a zero byte"
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        return "the text holds half a character (a lone surrogate)"
    if size > LONGEST_TEXT:
        return f"the text has {size:,} bytes; at most {LONGEST_TEXT}"
    return ""


def usable_text(raw: bytes) -> str | None:
    """Return the text that the bytes are; None when they are no text that can be kept."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if text_fault(text) else text


def printable(text: str) -> str:
    """Return the beginning of any text as one that can be logged, sent and stored."""
    return text[:40].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


@lru_cache(65_536)  # the texts of a dossier stand on each of its events
def _fault_of(texts: tuple[str, ...], removed: bool) -> tuple[str, str] | None:
    """Name the first text that is not usable, and why: "" when it is empty and may not be.

    Who no longer holds a dossier says nothing of its agency.
    """
    for name, text in zip(TEXTS, texts, strict=True):
        if fault := text_fault(text):
            return name, fault
        if not text and name in REQUIRED and not (removed and name == "agency"):
            return name, ""
    return None


def _bad_date(event: DossierEvent, years: Years) -> RejectedRecord:
    name, at = next(
        (name, at)
        for name, at in zip(DATES, _dates_of(event), strict=True)
        if at is not None and not years.covers(at)
    )
    first, last = date_of(day_of(years.since)).year, date_of(day_of(years.until - 1)).year
    return _reject(RejectReason.BAD_DATE, name, at, f"not between {first} and {last}")


def _reject(reason: RejectReason, name: str, value: int, detail: str) -> RejectedRecord:
    fits = -(2**63) <= value < 2**63
    shown = str(value) if fits else "a number of more than 64 bits"
    return RejectedRecord(reason, field=name, value=shown, detail=detail)
