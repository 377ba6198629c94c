"""One status of one dossier that took effect: the only fact on the log."""

import hashlib
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import lru_cache
from operator import attrgetter

from lgsp.domain.details import Details, pack
from lgsp.domain.status import Status

ID_BYTES = 16


class Channel(IntEnum):
    """How the dossier was filed; the values are the national KenhThucHien codes (0: not known)."""

    UNKNOWN = 0
    DIRECT = 1
    ONLINE = 2
    POSTAL = 3


class ServiceLevel(IntEnum):
    """Level of the online service (Decree 42/2022: full or partial; before: levels 4 and 3)."""

    UNKNOWN = 0
    INFORMATION = 1
    PARTIAL = 2
    FULL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierEvent:
    """A status of a dossier that took effect, with the dossier's dates as known then.

    Every time is an instant in milliseconds since 1970-01-01T00:00Z (UTC); `None` and "" mean
    "not known" and never overwrite what is known. `event_id` is 16 bytes; the same source fact
    always gives the same id (see `with_id`).

    `stated_at` is when the source stated the fact (None: when it occurred), `stated_row` the order
    among statements of one instant; a later statement of a source wins over an earlier one,
    whatever the dates in it. `removed` says that the source no longer holds the dossier.
    """

    event_id: bytes = b""
    portal: str
    province: str
    dossier_code: str
    agency: str
    procedure: str = ""
    domain: str = ""
    service_level: ServiceLevel = ServiceLevel.UNKNOWN
    channel: Channel = Channel.UNKNOWN
    source_status: str = ""
    status: Status
    reopens: bool = False
    occurred_at: int
    observed_at: int
    sequence: int = 0
    submitted_at: int | None = None
    received_at: int | None = None
    due_at: int | None = None
    finished_at: int | None = None
    returned_at: int | None = None
    sealed: bytes | None = None
    stated_at: int | None = None
    stated_row: int = 0
    removed: bool = False
    national_code: str = ""
    details: Details | None = None


# When we saw it and how it was sealed (a fresh nonce each time) are not part of the fact.
_SECOND = ("stated_at", "stated_row", "removed", "national_code", "details")
"""Fields of the event's second version: an event without them keeps the id of the first."""
_FACT = tuple(
    f.name
    for f in fields(DossierEvent)
    if f.name not in {"event_id", "observed_at", "sealed", *_SECOND}
)
_values_of = attrgetter(*_FACT)
_second_of = attrgetter(*_SECOND)
_NO_SECOND = (None, 0, False, "", None)


def event_id(event: DossierEvent) -> bytes:
    """Give the 16-byte id of the source fact: equal facts, equal ids, on every machine."""
    text = "".join(map(_piece, _values_of(event)))
    second = _second_of(event)
    if second != _NO_SECOND:
        stated_at, row, removed, national_code, details = second
        parts = (stated_at, row, removed, national_code, pack(details))
        text += "".join(f"{len(part)}:{part}" for part in map(_shown, parts))
    return hashlib.blake2b(text.encode(), digest_size=ID_BYTES).digest()


def _shown(value: str | int | None) -> str:
    return value if isinstance(value, str) else "" if value is None else str(int(value))


@lru_cache(65_536)  # most values stand on many events
def _piece(value: str | int | None) -> str:
    text = _shown(value)
    return f"{len(text)}:{text}"


def with_id(event: DossierEvent) -> DossierEvent:
    """Return the event with its deterministic id filled in."""
    return replace(event, event_id=event_id(event))


ROW_BITS = 21
LAST_ROW = (1 << ROW_BITS) - 1


def statement_of(event: DossierEvent) -> int:
    """Give the order of the event's statement: its instant, then its row; fits 64 bits signed.

    An event of the first version was stated when it occurred. Rows from 2,097,151 on are one.
    """
    at = event.occurred_at if event.stated_at is None else event.stated_at
    return statement(at, event.stated_row)


def statement(at: int, row: int = 0) -> int:
    """Give the order of a statement made at `at` (ms UTC), the `row`-th of that instant."""
    return at << ROW_BITS | min(row, LAST_ROW)


def instant_of(statement: int) -> int:
    """Give the instant (ms UTC) of what `statement_of` gave."""
    return statement >> ROW_BITS


_DATES = {
    Status.REGISTERED: "submitted_at",
    Status.RECEIVED: "received_at",
    Status.REFUSED: "finished_at",
    Status.WITHDRAWN: "finished_at",
    Status.STOPPED: "finished_at",
    Status.PROCESSED: "finished_at",
    Status.RESULT_RETURNED: "returned_at",
}
"""The date that a status stands for; the others have none of their own."""
_DATE_OF = [attrgetter(_DATES[status]) if status in _DATES else None for status in Status]


def is_dated(event: DossierEvent) -> bool:
    """Tell whether the event's time is the very date that it states for its status.

    Such a transition is the date: a later statement of the source that dates it otherwise
    replaces it. A status that was observed at some time stays what it was.
    """
    date_of = _DATE_OF[event.status]
    return date_of is not None and bool(date_of(event) == event.occurred_at)


def date_of_status(status: Status) -> str:
    """Give the name of the date that a status stands for, "" for none."""
    return _DATES.get(status, "")
