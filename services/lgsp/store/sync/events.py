"""Reads a batch of `dossier-events` at once, column by column, into the events they are."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.domain.working_time import Calendar
from lgsp.runtime.avro.columns import UNKNOWN, Columns, decode_columns
from lgsp.store.rates.fast.calendar import FastCalendar

_OPTIONAL = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")
_REPEATED = ("portal", "province", "agency", "procedure", "domain", "source_status")
_STATUSES, _CHANNELS, _LEVELS = tuple(Status), tuple(Channel), tuple(ServiceLevel)
_words = lru_cache(16_384)(bytes.decode)


class EventColumns:
    """Reads events a third of the way that decoding them one by one takes.

    Args:
        calendar: dates outside its years are not usable.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = FastCalendar(calendar)

    def read(self, values: Sequence[bytes | None]) -> list[DossierEvent | None]:
        """Give each record's event; None for one that is not plainly right.

        What is wrong with it, if anything, codec.decode_event tells.
        """
        columns = decode_columns(values)
        numbers = columns.numbers
        ok = columns.ok & self._calendar.covers(numbers["occurred_at"])
        for name in _OPTIONAL:
            ok &= (numbers[name] == UNKNOWN) | self._calendar.covers(numbers[name])
        index = np.flatnonzero(ok)
        events: list[DossierEvent | None] = [None] * len(values)
        for i, fields in zip(index.tolist(), _fields(columns, index), strict=True):
            try:
                events[i] = _event(*fields)
            except UnicodeDecodeError:
                continue
        return events


def _fields(columns: Columns, index: Any) -> Iterable[tuple[Any, ...]]:
    """Give what `_event` takes, of each record of the index."""
    data = columns.data

    def cut(name: str) -> list[bytes]:
        start, end = columns.starts[name][index].tolist(), columns.ends[name][index].tolist()
        return [data[a:b] for a, b in zip(start, end, strict=True)]

    def number(name: str) -> list[int]:
        found: list[int] = columns.numbers[name][index].tolist()
        return found

    return zip(
        *map(cut, ("event_id", "dossier_code", "sealed", *_REPEATED)),
        *map(number, ("status", "channel", "service_level", "reopens")),
        *map(number, ("occurred_at", "observed_at", "sequence", *_OPTIONAL)),
        strict=True,
    )


def _event(
    event_id: bytes,
    code: bytes,
    sealed: bytes,
    portal: bytes,
    province: bytes,
    agency: bytes,
    procedure: bytes,
    domain: bytes,
    source_status: bytes,
    status: int,
    channel: int,
    level: int,
    reopens: int,
    occurred_at: int,
    observed_at: int,
    sequence: int,
    *dates: int,
) -> DossierEvent:
    submitted, received, due, finished, returned = (None if at == UNKNOWN else at for at in dates)
    return DossierEvent(
        event_id=event_id,
        portal=_words(portal),
        province=_words(province),
        dossier_code=code.decode(),
        agency=_words(agency),
        procedure=_words(procedure),
        domain=_words(domain),
        service_level=_LEVELS[level],
        channel=_CHANNELS[channel],
        source_status=_words(source_status),
        status=_STATUSES[status],
        reopens=bool(reopens),
        occurred_at=occurred_at,
        observed_at=observed_at,
        sequence=sequence,
        submitted_at=submitted,
        received_at=received,
        due_at=due,
        finished_at=finished,
        returned_at=returned,
        sealed=sealed or None,
    )
