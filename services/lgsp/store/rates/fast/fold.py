"""The fast fold: what store/rates/fold.py does, many dossiers at once, equal to the bit.

A batch is decoded in columns; the usual dossiers (each new transition is later than the ones
known) are merged, judged and counted as arrays of rows. The others go one by one through the
domain, from their stored bytes. tests/store/rates/fast/test_fold.py holds the two folds together.
"""

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.runtime.kafka.records import Batch, LogRecord, Reject
from lgsp.store.events import read_event
from lgsp.store.rates.dossiers import write_portals
from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.cells import MOST_TEXTS, RowServices
from lgsp.store.rates.fast.change import BatchChange, Other
from lgsp.store.rates.fast.events import ColumnReader, Read
from lgsp.store.rates.fast.rows import HeldRows
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fold import RatesFold

_KEEP_PLAIN = 10_000  # a dossier as an object is several times as large as a row


class FastRatesFold:
    """Drop-in for RatesFold; see there for the arguments.

    Holds at most `keep` dossiers and one batch more, less than 400 bytes each, then forgets all:
    they are loaded again when an event names them. Batches of less than `few` records, as they
    come when live, and timers go the plain way: arrays cost milliseconds whatever their length.

    Raises:
        ConfigurationError: as RatesFold; or the profile's rules are not known to it.
    """

    def __init__(
        self,
        engine: Engine,
        profile: Profile,
        topic: str,
        calendar: Calendar,
        clock: Callable[[], int],
        write_rejects: Callable[[Sequence[Reject]], None],
        *,
        keep: int = 50_000,
        few: int = 128,
    ) -> None:
        self._engine = engine
        self._rules = Rules(profile)
        self._calendar = FastCalendar(calendar)
        self._clock = clock
        self._write_rejects = write_rejects
        self._keep = keep
        self._few = few
        # Owns the partitions. Each of the two forgets its dossiers before the other one folds.
        self._plain = RatesFold(
            engine, profile, topic, calendar, clock, write_rejects, keep=min(keep, _KEEP_PLAIN)
        )
        self.cells = self._plain.cells
        self._complete: set[int] = set()  # partitions of which no dossier is in the store alone
        self._start()

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions held now."""
        return self._plain.partitions

    @property
    def held(self) -> int:
        """How many dossiers are in memory now."""
        return len(self._held.slots)

    def open_partition(self, partition: int) -> int:
        """Load the stored position; dossiers come when events name them."""
        self._forget()
        offset = self._plain.open_partition(partition)
        if offset:
            self._complete.discard(partition)
        else:
            self._complete.add(partition)
        return offset

    def close_partition(self, partition: int) -> None:
        """Forget the partition."""
        self._forget()
        self._complete.discard(partition)
        self._plain.close_partition(partition)

    def position(self, partition: int) -> int | None:
        """Return the next offset to read, None when the partition is not held."""
        return self._plain.position(partition)

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Fold the batches in one transaction; FencedError when a partition is not ours."""
        self.fold(batches)

    def fold(self, batches: Sequence[Batch]) -> None:
        """Do what `apply` does, for callers without a loop (rebuild)."""
        records = list(chain.from_iterable(batch.records for batch in batches))
        if len(records) < self._few:
            self._forget()
            self._complete.clear()
            self._plain.fold(batches)
            return
        self._plain.forget_dossiers()
        now = self._clock()
        partitions = np.repeat([b.partition for b in batches], [len(b.records) for b in batches])
        read = self._reader.read(records)
        others = self._read_others(records, read.others, partitions)
        change = BatchChange(
            self._held,
            self._services,
            self._rules,
            self._calendar,
            self._engine,
            self._complete,
            records,
            now,
        )
        try:
            change.prepare(read, others, partitions)
            if change.rejects:
                self._write_rejects(change.rejects)
            with self._engine.begin() as connection:
                offsets = {batch.partition: batch.next_offset for batch in batches}
                moved = self._plain.advance(connection, offsets)
                change.write(connection, self.cells)
                write_portals(connection, self._seen(read, others))
        except BaseException:
            self._forget()  # what was loaded in a failed transaction may not stand
            raise
        change.keep()
        self._plain.settle(moved)
        if self.held > self._keep or len(self._held.texts.raw) > MOST_TEXTS // 2:
            self._forget()

    def wake(self) -> int:
        """Count dossiers whose deadline has passed with no event; return how many were looked at.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        woken = self._plain.wake()
        if woken:
            self._forget()
        return woken

    def wake_early(self) -> int:
        """Count as open in time those that a later clock counted overdue; return how many.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        woken = self._plain.wake_early()
        if woken:
            self._forget()
        return woken

    def _forget(self) -> None:
        """Hold no dossier; they are loaded again when an event names them."""
        if self.held:
            self._complete.clear()
            self._start()

    def _start(self) -> None:
        self._held = HeldRows()
        self._services = RowServices(self._held.texts, self._plain.services)
        self._reader = ColumnReader(self._held.texts, self._calendar.plain.years)

    def _read_others(
        self, records: Sequence[LogRecord], rows: Sequence[int], partitions: npt.NDArray[np.int64]
    ) -> list[Other]:
        """Read by the codec what the columns did not hold; what it rejects is a dead letter."""
        others: list[Other] = []
        rejects: list[Reject] = []
        for row in rows:
            try:
                others.append(
                    Other(row, read_event(records[row], self._calendar.plain.years, sealed=False))
                )
            except RejectedRecord as cause:
                rejects.append(Reject(int(partitions[row]), records[row], cause))
        if rejects:
            self._write_rejects(rejects)
        return others

    def _seen(self, read: Read, others: Sequence[Other]) -> dict[str, tuple[int, int]]:
        """Return the newest event and observation times of each portal of the batch."""
        seen: dict[str, tuple[int, int]] = {}
        portal = read.events.texts[:, 0]
        for number in np.flatnonzero(np.bincount(portal)).tolist():
            its = portal == number
            seen[self._held.texts.text[number]] = (
                max(0, int(read.events.transition["at"][its].max())),
                max(0, int(read.observed[its].max())),
            )
        for _, event in others:
            at, observed = seen.get(event.portal, (0, 0))
            seen[event.portal] = max(at, event.occurred_at), max(observed, event.observed_at)
        return seen
