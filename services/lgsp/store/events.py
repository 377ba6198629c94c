"""Reads records of `dossier-events` into usable events, for both processors alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from lgsp.domain.dossier import Dossier, merge
from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.domain.usable import check_usable
from lgsp.domain.working_time import Years
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.avro.columns import decode_columns
from lgsp.runtime.avro.event_columns import events_of, usable_rows
from lgsp.runtime.kafka.records import Batch, LogRecord, Reject

COLUMNS_FROM = 100
"""Records of a batch that is read in columns; fewer are read one by one in less time."""
_timestamp = attrgetter("timestamp")


def read_event(record: LogRecord, years: Years, *, sealed: bool = True) -> DossierEvent:
    """Read one record.

    Args:
        record: as the log has it.
        years: those of the calendar by which the event will be counted.
        sealed: whether the sealed personal data is wanted.

    Raises:
        RejectedRecord: it is no event, or not a usable one (domain/usable.py).
    """
    event = decode_event(record.value)
    check_usable(event, years, record.timestamp if record.timestamp > 0 else None)
    if sealed or event.sealed is None:
        return event
    return replace(event, sealed=None)


Refused = dict[DossierEvent, RejectedRecord]
"""Usable events that their dossiers do not take, and why."""


def merge_read(
    dossier: Dossier | None, events: Iterable[DossierEvent], refused: Refused
) -> Dossier | None:
    """Join the events of one dossier, in the order of the log, into what is known of it.

    Args:
        dossier: None: nothing is known.
        events: usable ones.
        refused: gets those that the dossier does not take.
    """
    for event in events:
        try:
            dossier = merge(dossier, event)
        except RejectedRecord as cause:
            refused[event] = cause.with_traceback(None)
    return dossier


class ReadBatches(NamedTuple):
    """What batches hold: partition -> dossier code -> its usable events in the log's order."""

    touched: dict[int, dict[str, list[DossierEvent]]]
    rejects: list[Reject]


class EventReader:
    """Reads batches, long ones in columns: a third of the time that one by one takes.

    Args:
        years: those of the calendar.
        sealed: whether the sealed personal data is wanted.
        columns_from: records of a batch that is long.
    """

    def __init__(self, years: Years, *, sealed: bool, columns_from: int = COLUMNS_FROM) -> None:
        self._years = years
        self._sealed = sealed
        self._columns_from = columns_from

    def read(self, records: Sequence[LogRecord]) -> list[DossierEvent | RejectedRecord]:
        """Give each record's event, or why it cannot be used."""
        found: list[DossierEvent | RejectedRecord | None] = [None] * len(records)
        if len(records) >= self._columns_from:
            columns = decode_columns([record.value for record in records])
            usable = usable_rows(columns, self._years, written_at(records))
            index, events = events_of(columns, np.flatnonzero(usable), sealed=self._sealed)
            for i, event in zip(index.tolist(), events, strict=True):
                found[i] = event
        return [
            self._read_alone(record) if read is None else read
            for read, record in zip(found, records, strict=True)
        ]

    def read_batches(self, batches: Sequence[Batch]) -> ReadBatches:
        """Read the records of all batches at once."""
        read = iter(self.read([record for batch in batches for record in batch.records]))
        touched: dict[int, dict[str, list[DossierEvent]]] = {}
        rejects: list[Reject] = []
        for batch in batches:
            by_code = touched.setdefault(batch.partition, {})
            for record in batch.records:
                event = next(read)
                if isinstance(event, RejectedRecord):
                    rejects.append(Reject(batch.partition, record, event))
                else:
                    by_code.setdefault(event.dossier_code, []).append(event)
        return ReadBatches(touched, rejects)

    def rejects_of(
        self, batches: Sequence[Batch], refused: Mapping[DossierEvent, RejectedRecord]
    ) -> list[Reject]:
        """Return the records of the refused events: they are read again, which is seldom."""
        return [
            Reject(batch.partition, record, refused[event])
            for batch in batches
            for record, event in zip(batch.records, self.read(batch.records), strict=True)
            if isinstance(event, DossierEvent) and event in refused
        ]

    def _read_alone(self, record: LogRecord) -> DossierEvent | RejectedRecord:
        try:
            return read_event(record, self._years, sealed=self._sealed)
        except RejectedRecord as cause:
            return cause.with_traceback(None)


def written_at(records: Sequence[LogRecord]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return when each record was written to the log, ms UTC; 0 or less where not known."""
    return np.fromiter(map(_timestamp, records), np.int64, len(records))
