"""The fast fold: what store/fold.py does, many dossiers at once, equal to the bit.

A batch is decoded in columns; the usual dossiers (each new transition is later than the ones
known) are merged, judged and counted as arrays of rows. The others go one by one through the
domain, from their stored states. tests/store/test_fast_fold.py holds the two folds together.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine, bindparam, select, update

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.working_time import Calendar
from lgsp.runtime.lane import Batch
from lgsp.runtime.record import Record, Reject
from lgsp.store.cells import write_cells
from lgsp.store.fast_calendar import FastCalendar
from lgsp.store.fast_cells import MOST_TEXTS, cell_changes
from lgsp.store.fast_change import Change, Other
from lgsp.store.fast_events import EventReader, Read
from lgsp.store.fast_states import rows_of_states
from lgsp.store.fast_table import Table
from lgsp.store.fast_write import wake_or_none
from lgsp.store.fold import LANE, WAKE_AT_ONCE, read_event, write_portals
from lgsp.store.offsets import Position, advance_all, load_position
from lgsp.store.tables import DOSSIERS


class FastRatesFold:
    """Drop-in for RatesFold; see there for the arguments.

    Holds at most `keep` dossiers and one batch more, about 300 bytes each, then forgets all: they
    are loaded again when an event names them.
    """

    def __init__(
        self,
        engine: Engine,
        topic: str,
        calendar: Calendar,
        clock: Callable[[], int],
        park: Callable[[Sequence[Reject]], None],
        *,
        keep: int = 50_000,
    ) -> None:
        self._engine = engine
        self._topic = topic
        self._calendar = FastCalendar(calendar)
        self._clock = clock
        self._park = park
        self._keep = keep
        self._positions: dict[int, Position] = {}
        self._forget()

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions held now."""
        return frozenset(self._positions)

    def open_partition(self, partition: int) -> int:
        """Load the stored position; dossiers come when events name them."""
        self._forget()
        with self._engine.begin() as connection:
            position = load_position(connection, LANE, self._topic, partition)
        self._positions[partition] = position
        return position.offset

    def close_partition(self, partition: int) -> None:
        """Forget the partition."""
        self._positions.pop(partition, None)
        self._forget()

    def position(self, partition: int) -> int | None:
        """Return the next offset to read, None when the partition is not held."""
        held = self._positions.get(partition)
        return None if held is None else held.offset

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Fold the batches in one transaction; FencedError when a partition is not ours."""
        self.fold(batches)

    def fold(self, batches: Sequence[Batch]) -> None:
        """Do what `apply` does, for callers without a loop (rebuild)."""
        now = self._clock()
        records = [record for batch in batches for record in batch.records]
        partitions = np.repeat(
            np.array([batch.partition for batch in batches]), [len(b.records) for b in batches]
        )
        read = self._reader.read([record.value for record in records])
        others = self._read_others(records, read.others, partitions)
        offsets = {batch.partition: batch.next_offset for batch in batches}
        try:
            with self._engine.begin() as connection:
                moved = advance_all(connection, LANE, self._topic, self._positions, offsets)
                change = Change(self._table, self._calendar, connection, records, now)
                change.apply(read, others, partitions)
                write_portals(connection, self._seen(read, others))
        except BaseException:
            self._forget()  # what was loaded or numbered in a failed transaction may not stand
            raise
        change.keep()
        self._positions |= moved
        if len(self._table.slots) > self._keep or len(self._table.texts.raw) > MOST_TEXTS // 2:
            self._forget()

    def wake(self) -> int:
        """Count dossiers whose deadline has passed with no event; return how many were looked at.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        now = self._clock()
        query = (
            select(DOSSIERS.c.code, DOSSIERS.c.partition, DOSSIERS.c.overdue, DOSSIERS.c.state)
            .where(DOSSIERS.c.wake_at <= now, DOSSIERS.c.partition.in_(sorted(self._positions)))
            .limit(WAKE_AT_ONCE)
        )
        with self._engine.connect() as connection:
            due = connection.execute(query).all()
        if not due:
            return 0
        codes, partitions, overdue, states = zip(*due, strict=True)
        texts = self._table.texts
        new, wakes = rows_of_states(states, partitions, texts, self._calendar, now)
        old = new.copy()
        old["overdue"] = overdue
        statement = (
            update(DOSSIERS)
            .where(DOSSIERS.c.code == bindparam("of"))
            .values(overdue=bindparam("late"), wake_at=bindparam("wake"))
        )
        with self._engine.begin() as connection:
            still = {p: self._positions[p].offset for p in set(partitions)}
            moved = advance_all(connection, LANE, self._topic, self._positions, still)
            connection.execute(
                statement,
                [
                    {"of": code, "late": late, "wake": wake_or_none(wake)}
                    for code, late, wake in zip(
                        codes, new["overdue"].tolist(), wakes.tolist(), strict=True
                    )
                ],
            )
            write_cells(connection, cell_changes(old, new, texts))
        self._positions |= moved
        for code, late in zip(codes, new["overdue"], strict=True):
            slot = self._table.slots.get(code.encode())
            if slot is not None:
                self._table.rows["overdue"][slot] = late
        return len(due)

    def _forget(self) -> None:
        self._table = Table()
        self._reader = EventReader(self._table.texts, self._calendar)

    def _read_others(
        self, records: Sequence[Record], rows: Sequence[int], partitions: npt.NDArray[np.int64]
    ) -> list[Other]:
        """Read by the codec what the columns did not hold; park what it rejects, too."""
        others: list[Other] = []
        rejects: list[Reject] = []
        for row in rows:
            try:
                others.append(Other(row, read_event(records[row], self._calendar.plain)))
            except RejectedRecord as cause:
                rejects.append(Reject(int(partitions[row]), records[row], cause))
        if rejects:
            self._park(rejects)
        return others

    def _seen(self, read: Read, others: Sequence[Other]) -> dict[str, tuple[int, int]]:
        """Return the newest event and observation times of each portal of the batch."""
        seen: dict[str, tuple[int, int]] = {}
        portal = read.events.texts[:, 0]
        for number in np.unique(portal).tolist():
            its = portal == number
            seen[self._table.texts.raw[number].decode()] = (
                max(0, int(read.events.step["at"][its].max())),
                max(0, int(read.observed[its].max())),
            )
        for _, event in others:
            at, observed = seen.get(event.portal, (0, 0))
            seen[event.portal] = max(at, event.occurred_at), max(observed, event.observed_at)
        return seen
