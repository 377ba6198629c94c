"""From columns of `dossier-events` to events: which records are plainly usable, and what they say.

What is not plainly usable is left to codec.decode_event and domain/usable.py, which give the
cause. So both ways of reading agree on every record, and this one may err on the safe side only.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsp.domain.details import MOST, NOTHING, Details
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.domain.usable import (
    ADVANCE,
    DATES,
    FIRST_OBSERVATION,
    LONGEST_SEALED,
    LONGEST_TEXT,
    REQUIRED,
    TEXTS,
    usable_text,
)
from lgsp.domain.working_time import Years
from lgsp.runtime.avro.columns import UNKNOWN, Columns

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_OPTIONAL = DATES[1:]
_STATUSES, _CHANNELS, _LEVELS = tuple(Status), tuple(Channel), tuple(ServiceLevel)


def within(at: Ints, years: Years) -> Flags:
    """Tell which instants (ms UTC) lie in the years."""
    inside: Flags = (at >= years.since) & (at < years.until)
    return inside


def usable_rows(columns: Columns, years: Years, written_at: Ints) -> Flags:
    """Tell which records are usable events as far as dates and sizes go.

    What their texts are made of is judged by who makes texts of them (domain/usable.usable_text).

    Args:
        columns: decoded records.
        years: those of the calendar.
        written_at: when each was written to the log, ms UTC; not known where it is 0 or less.
    """
    numbers = columns.numbers
    ok = columns.ok & within(numbers["occurred_at"], years)
    for name in _OPTIONAL:
        ok &= (numbers[name] == UNKNOWN) | within(numbers[name], years)
    latest = np.where(written_at > 0, written_at + ADVANCE, years.until)
    seen = numbers["observed_at"]
    ok &= (seen >= FIRST_OBSERVATION) & (seen < years.until) & (seen <= latest)
    ok &= (numbers["stated_at"] <= latest) & (numbers["stated_row"] >= 0)
    if numbers["details"].any():
        for name in MOST:
            number = numbers[f"details.{name}"]
            ok &= (number == UNKNOWN) | (number >= 0)
    for name, longest in (*[(name, LONGEST_TEXT) for name in TEXTS], ("sealed", LONGEST_SEALED)):
        size = columns.ends[name] - columns.starts[name]
        ok &= size <= longest
        if name in REQUIRED:
            ok &= (size > 0) | (numbers["removed"] == 1 if name == "agency" else False)
    return ok


def spans(columns: Columns, name: str, index: Ints) -> list[bytes]:
    """Return the bytes of a text or fixed field of each record of the index."""
    data = columns.data
    start, end = columns.starts[name][index].tolist(), columns.ends[name][index].tolist()
    return [data[a:b] for a, b in zip(start, end, strict=True)]


def events_of(
    columns: Columns, index: Ints, *, sealed: bool
) -> tuple[Ints, Iterator[DossierEvent]]:
    """Make the events of the index's records, those with a text that is not usable left out.

    Args:
        columns: decoded records.
        index: rows that `usable_rows` found usable.
        sealed: whether the sealed personal data is wanted.

    Returns:
        The rows of the events, and the events.
    """
    texts: list[list[str | None]] = []
    odd = False
    for name in TEXTS:
        raw = spans(columns, name, index)
        known = {text: usable_text(text) for text in set(raw)}  # most stand on many records
        odd |= None in known.values()
        texts.append([known[text] for text in raw])
    if odd:
        good = [None not in row for row in zip(*texts, strict=True)]
        return events_of(columns, index[good], sealed=sealed)

    def number(name: str) -> list[int]:
        found: list[int] = columns.numbers[name][index].tolist()
        return found

    def date(name: str) -> list[int | None]:
        return [None if at == UNKNOWN else at for at in number(name)]

    nothing: list[bytes] = [b""] * len(index)
    parts: list[Iterable[Any]] = [
        spans(columns, "event_id", index),
        *texts,
        map(_STATUSES.__getitem__, number("status")),
        map(_CHANNELS.__getitem__, number("channel")),
        map(_LEVELS.__getitem__, number("service_level")),
        *map(number, ("reopens", "removed", "observed_at", "sequence", "stated_row")),
        number("occurred_at"),
        *map(date, _OPTIONAL),
        _details(columns, index),
        spans(columns, "sealed", index) if sealed else nothing,
    ]
    return index, map(_event, *parts)


def _details(columns: Columns, index: Ints) -> list[Details | None]:
    """Return the details of each record of the index; None where it has none."""
    there = columns.numbers["details"][index]
    if not there.any():
        return [None] * len(index)
    items: list[list[Any]] = []
    for name, unknown in NOTHING._asdict().items():
        numbers = columns.numbers[f"details.{name}"][index].tolist()
        if unknown is None:
            items.append([None if number == UNKNOWN else number for number in numbers])
        else:
            items.append(list(map(type(unknown), numbers)))
    found = map(Details, *items)
    return [one if has else None for has, one in zip(there.tolist(), found, strict=True)]


def _event(
    event_id: bytes,
    dossier_code: str,
    portal: str,
    agency: str,
    province: str,
    procedure: str,
    domain: str,
    source_status: str,
    national_code: str,
    status: Status,
    channel: Channel,
    service_level: ServiceLevel,
    reopens: int,
    removed: int,
    observed_at: int,
    sequence: int,
    stated_row: int,
    occurred_at: int,
    submitted_at: int | None,
    received_at: int | None,
    due_at: int | None,
    finished_at: int | None,
    returned_at: int | None,
    stated_at: int | None,
    details: Details | None,
    sealed: bytes,
) -> DossierEvent:
    """Make one event; the texts and dates come in the order of TEXTS and DATES."""
    return DossierEvent(
        event_id=event_id,
        portal=portal,
        province=province,
        dossier_code=dossier_code,
        agency=agency,
        procedure=procedure,
        domain=domain,
        service_level=service_level,
        channel=channel,
        source_status=source_status,
        status=status,
        reopens=bool(reopens),
        occurred_at=occurred_at,
        observed_at=observed_at,
        sequence=sequence,
        submitted_at=submitted_at,
        received_at=received_at,
        due_at=due_at,
        finished_at=finished_at,
        returned_at=returned_at,
        sealed=sealed or None,
        stated_at=stated_at,
        stated_row=stated_row,
        removed=bool(removed),
        national_code=national_code,
        details=details,
    )
