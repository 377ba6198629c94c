"""What one batch does to the dossiers: worked out first, then written in one short transaction.

What is read before that transaction cannot be stale when it commits: nobody writes a dossier
without moving its partition's position, which the transaction compares.
"""

from collections.abc import Sequence, Set
from itertools import compress, repeat
from operator import add, not_
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine

from lgsp.domain.dossier import Dossier, merge
from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.runtime.kafka.records import LogRecord, Reject
from lgsp.store.engine import reading
from lgsp.store.events import read_event
from lgsp.store.rates.bulk_sql import (
    GrownRow,
    NewRow,
    grow_rows,
    insert_rows,
    or_null,
    stored_rows,
)
from lgsp.store.rates.cells import CellRow, DayCells
from lgsp.store.rates.dossiers import WholeRow, write_dossiers
from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.cells import RowServices, cell_changes
from lgsp.store.rates.fast.encoded import rows_of_encoded
from lgsp.store.rates.fast.events import Read
from lgsp.store.rates.fast.merge import Groups, encoded_transitions, group, join
from lgsp.store.rates.fast.rows import HeldRows, Rows, empty_rows, head_sizes, heads
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fast.standing import evaluate
from lgsp.store.rates.layout import decode, encode

Ints = npt.NDArray[np.int64]


class Other(NamedTuple):
    """An event that the columns did not hold, read by the codec; `row` is its place."""

    row: int
    event: DossierEvent


class _Changed(NamedTuple):
    slots: Ints
    old: Rows
    new: Rows


class BatchChange:
    """One batch on its way into the store; `keep` takes it over in memory once it is committed.

    Args:
        held: the dossiers held; only `keep` changes rows that were there before.
        services: numbers of the services that the held rows' texts name.
        rules: the profile.
        calendar: working days.
        engine: the store, to load dossiers from.
        complete: partitions of which it has none that are not held.
        records: the batch, by whose places events are named.
        now: ms UTC.
    """

    def __init__(
        self,
        held: HeldRows,
        services: RowServices,
        rules: Rules,
        calendar: FastCalendar,
        engine: Engine,
        complete: Set[int],
        records: Sequence[LogRecord],
        now: int,
    ) -> None:
        self._held = held
        self._services = services
        self._rules = rules
        self._calendar = calendar
        self._engine = engine
        self._complete = complete
        self._records = records
        self._now = now
        self._changed: list[_Changed] = []
        self._inserted: list[NewRow] = []
        self._grown: list[GrownRow] = []
        self._whole: list[WholeRow] = []
        self._cells: list[CellRow] = []
        self.rejects: list[Reject] = []  # found by `prepare`

    def prepare(self, read: Read, others: Sequence[Other], partitions: Ints) -> None:
        """Merge the events; nothing is written."""
        count = len(read.codes)
        slots = self._hold(
            [*read.codes, *[other.event.dossier_code.encode() for other in others]],
            np.concatenate([read.events.row, [other.row for other in others]]).astype(np.int64),
            partitions,
        )
        groups, odd = group(read.events, slots[:count])
        odd |= np.isin(groups.slots, slots[count:])
        # Taken, here and elsewhere: an index in brackets copies each row field by field.
        old, new = self._held.rows.take(groups.slots), self._held.rows.take(groups.slots)
        odd |= join(new, groups, self._rules, self._calendar)
        wakes, unclear = evaluate(new, self._rules, self._calendar, self._now)
        odd |= unclear
        renamed = np.flatnonzero((old["texts"] != new["texts"]).any(axis=1) | (old["count"] == 0))
        new["service"][renamed] = self._services.of(new["texts"][renamed])
        self._take_usual(groups, np.flatnonzero(~odd), old, new, wakes)
        alone = np.isin(slots, np.concatenate([groups.slots[odd], slots[count:]]))
        rows = np.concatenate([read.events.row, [other.row for other in others]])
        self._take_alone(slots[alone], rows[alone].astype(np.int64), partitions)
        self._cells = cell_changes([(old, new) for _, old, new in self._changed], self._rules)

    def write(self, connection: Connection, cells: DayCells) -> None:
        """Write dossiers and cells inside the caller's transaction."""
        insert_rows(connection, self._inserted)
        grow_rows(connection, self._grown)
        write_dossiers(connection, self._whole)
        cells.write(connection, self._cells)

    def keep(self) -> None:
        """Take over in memory what the store has committed."""
        for changed in self._changed:
            np.put(self._held.rows, changed.slots, changed.new)

    def _hold(self, codes: Sequence[bytes], rows: Ints, partitions: Ints) -> Ints:
        """Return the codes' slots; load those that are not held, or make empty ones."""
        held = self._held
        found = np.array(list(map(held.slots.get, codes, repeat(-1))), np.int64)
        unknown = np.flatnonzero(found < 0)
        if unknown.size:
            unknown_codes = [codes[i] for i in unknown.tolist()]
            missing = dict(zip(unknown_codes, unknown.tolist(), strict=True))
            places = partitions[rows[list(missing.values())]].tolist()
            may_be_stored = [p not in self._complete for p in places]
            stored = self._stored([code.decode() for code in compress(missing, may_be_stored)])
            if stored:
                self._load(stored)
                missing = {code: i for code, i in missing.items() if code not in held.slots}
            empty = empty_rows(len(missing))
            empty["partition"] = partitions[rows[list(missing.values())]]
            held.add(list(missing), empty)
            found[unknown] = list(map(held.slots.__getitem__, unknown_codes))
        return found

    def _stored(self, codes: list[str]) -> list[tuple[str, int, int, bytes]]:
        if not codes:
            return []
        with reading(self._engine) as connection:
            return list(stored_rows(connection, codes))

    def _load(self, stored: Sequence[tuple[str, int, int, bytes]]) -> None:
        """Hold stored dossiers as they were counted: overdue then, whatever the time."""
        codes, partitions, overdue, encoded = zip(*stored, strict=True)
        rows, _ = self._rows_of(encoded, partitions)
        rows["overdue"] = overdue
        rows["service"] = self._services.of(rows["texts"])
        self._held.add([code.encode() for code in codes], rows)

    def _rows_of(self, encoded: Sequence[bytes], partitions: Any) -> tuple[Rows, Ints]:
        texts, calendar = self._held.texts, self._calendar
        return rows_of_encoded(encoded, partitions, texts, self._rules, calendar, self._now)

    def _take_usual(self, groups: Groups, usual: Ints, old: Rows, new: Rows, wakes: Ints) -> None:
        held, slots = self._held, groups.slots[usual]
        if len(usual) < len(old):  # nearly always all are: they are not copied once more
            old, new = old.take(usual), new.take(usual)
        codes = [held.codes[slot].decode() for slot in slots.tolist()]
        late, wake_at = new["overdue"].astype(int).tolist(), or_null(wakes[usual])
        starts, transitions = heads(new, held.texts), encoded_transitions(groups, usual)
        rests = (head_sizes(old, held.texts) + 1).tolist()
        stored = (old["count"] > 0).tolist()
        encoded = map(add, starts, transitions)
        inserted = zip(codes, new["partition"].tolist(), late, wake_at, encoded, strict=True)
        grown = zip(late, wake_at, starts, rests, transitions, codes, strict=True)
        self._inserted = list(compress(inserted, map(not_, stored)))
        self._grown = list(compress(grown, stored))
        self._changed.append(_Changed(slots, old, new))

    def _take_alone(self, slots: Ints, rows: Ints, partitions: Ints) -> None:
        """Merge the events in `rows` of the batch one by one, from the dossiers as stored.

        `partitions` are those of all rows of the batch.
        """
        if not slots.size:
            return
        codes = {slot: self._held.codes[slot].decode() for slot in set(slots.tolist())}
        before = {
            code: decode(code, stored) for code, _, _, stored in self._stored(list(codes.values()))
        }
        after: dict[int, Dossier] = {}
        order = np.argsort(rows)
        for slot, row in zip(slots[order].tolist(), rows[order].tolist(), strict=True):
            record = self._records[row]
            event = read_event(record, self._calendar.plain.years, sealed=False)
            try:
                after[slot] = merge(after.get(slot, before.get(codes[slot])), event)
            except RejectedRecord as cause:
                self.rejects.append(
                    Reject(int(partitions[row]), record, cause.with_traceback(None))
                )
        changed = {s: d for s, d in after.items() if d is not before.get(codes[s])}
        if not changed:
            return
        index = np.array(list(changed), np.int64)
        old = self._held.rows[index]
        encoded = [encode(dossier) for dossier in changed.values()]
        new, wakes = self._rows_of(encoded, old["partition"])
        new["service"] = self._services.of(new["texts"])
        names = [codes[slot] for slot in changed]
        late, wake_at = new["overdue"].astype(int).tolist(), or_null(wakes)
        own = new["partition"].tolist()
        self._whole = list(zip(names, own, late, wake_at, encoded, strict=True))
        self._changed.append(_Changed(index, old, new))
