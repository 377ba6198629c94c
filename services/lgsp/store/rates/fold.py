"""Folds batches of events into dossiers and day cells: one transaction a batch, offset included.

For every dossier a batch touches: the old contribution is taken out of its cells, the events are
merged, the new contribution is put in. Dossiers, cells, portals and positions commit together.

This is the readable rule, one dossier after another; fast/fold.py does the same to many at
once and is held to it by tests. LGSP_FOLD chooses.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection, Engine

from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.store.engine import reading
from lgsp.store.events import COLUMNS_FROM, EventReader, Refused
from lgsp.store.offsets import Position, advance_all, load_position
from lgsp.store.rates.bulk_sql import stored_rows
from lgsp.store.rates.cells import CellRow, Cells, cell_rows
from lgsp.store.rates.counted_by import claim
from lgsp.store.rates.counting import CountedDossier, Counting
from lgsp.store.rates.dossiers import rows_overdue, rows_to_wake, write_dossiers, write_portals
from lgsp.store.rates.layout import decode, encode
from lgsp.store.rates.services import ServiceNumbers

LANE = "rates"
_WAKE_AT_ONCE = 2000


class _OwnedPartition:
    """A partition that this worker owns: its position and the dossiers kept in memory."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.entries: dict[str, CountedDossier] = {}


class RatesFold:
    """The rates processor's lane handler over one store.

    Args:
        engine: the store; several workers may share a PostgreSQL one.
        profile: the rules to count by; the store is its own from then on.
        topic: topic whose offsets are stored.
        calendar: working days for extended deadlines.
        clock: gives now in ms UTC.
        write_rejects: makes dead letters of rejected records durable, before the offset passes.
        keep: most dossiers kept in memory; others are loaded when an event names them.
        columns_from: records from which on a batch is read in columns.

    Raises:
        ConfigurationError: the store was counted by another profile or version.
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
        columns_from: int = COLUMNS_FROM,
    ) -> None:
        self._engine = engine
        self._counting = Counting(profile, calendar)
        self.cells = claim(engine, profile)
        self._topic = topic
        self._reader = EventReader(calendar.years, sealed=False, columns_from=columns_from)
        self._clock = clock
        self._write_rejects = write_rejects
        self._keep = keep
        self.services = ServiceNumbers(engine)
        self._owned: dict[int, _OwnedPartition] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions held now."""
        return frozenset(self._owned)

    def open_partition(self, partition: int) -> int:
        """Load the stored position; dossiers come when events name them."""
        with self._engine.begin() as connection:
            position = load_position(connection, LANE, self._topic, partition)
        self._owned[partition] = _OwnedPartition(position)
        return position.offset

    def close_partition(self, partition: int) -> None:
        """Forget the partition."""
        self._owned.pop(partition, None)

    def forget_dossiers(self) -> None:
        """Load dossiers anew when events name them: somebody else writes them, too."""
        for owned in self._owned.values():
            owned.entries.clear()

    def position(self, partition: int) -> int | None:
        """Return the next offset to read, None when the partition is not held."""
        owned = self._owned.get(partition)
        return None if owned is None else owned.position.offset

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Fold the batches in one transaction; FencedError when a partition is not ours."""
        self.fold(batches)

    def fold(self, batches: Sequence[Batch]) -> None:
        """Do what `apply` does, for callers without a loop (rebuild)."""
        now = self._clock()
        touched, rejects = self._reader.read_batches(batches)
        if rejects:
            self._write_rejects(rejects)
        changed: dict[int, dict[str, CountedDossier]] = {}
        cells = self.cells.no_changes()
        refused: Refused = {}
        # Worked out before the transaction, which is short: nobody writes a dossier without moving
        # its partition's position, so what is loaded here is not stale when `advance` succeeds.
        self._load(touched, now)
        for partition, by_code in touched.items():
            known = self._owned[partition].entries
            changed[partition] = self._counting.merge(
                partition, known, by_code, cells, now, refused
            )
        if refused:
            self._write_rejects(self._reader.rejects_of(batches, refused))
        rows = self._numbered(cells)
        with self._engine.begin() as connection:
            positions = self.advance(connection, {b.partition: b.next_offset for b in batches})
            self._write(connection, changed, rows)
            write_portals(connection, _newest_times(touched.values()))
        self._commit(positions, changed)

    def wake(self) -> int:
        """Count dossiers whose deadline has passed with no event; return how many were looked at.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        if not self._owned:
            return 0
        now = self._clock()
        with reading(self._engine) as connection:
            due = rows_to_wake(connection, self._owned, now, _WAKE_AT_ONCE)
        self._count_again(due, now)
        return len(due)

    def wake_early(self) -> int:
        """Count as open in time those that a later clock counted overdue; return how many.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        now = self._clock()
        with reading(self._engine) as connection:
            early = [
                row
                for row in rows_overdue(connection, self._owned)
                if not self._counting.counted(decode(row[1], row[3]), now).overdue
            ]
        self._count_again(early, now)
        return len(early)

    def _count_again(self, due: Sequence[tuple[int, str, int, bytes]], now: int) -> None:
        """Count stored dossiers (partition, code, overdue, bytes) as they stand at `now`."""
        if not due:
            return
        changed: dict[int, dict[str, CountedDossier]] = {}
        cells = self.cells.no_changes()
        for partition, code, overdue, encoded in due:
            dossier = decode(code, encoded)
            old = self._counting.counted_before(dossier, now, overdue=bool(overdue))
            new = self._counting.recount(partition, old, dossier, cells, now)
            changed.setdefault(partition, {})[code] = new
        rows = self._numbered(cells)
        with self._engine.begin() as connection:
            still = {p: self._owned[p].position.offset for p in changed}
            positions = self.advance(connection, still)
            self._write(connection, changed, rows)
        self._commit(positions, changed)

    def advance(self, connection: Connection, offsets: Mapping[int, int]) -> dict[int, Position]:
        """Move stored positions inside the caller's transaction; FencedError if not ours."""
        held = {partition: self._owned[partition].position for partition in offsets}
        return advance_all(connection, LANE, self._topic, held, offsets)

    def settle(self, positions: Mapping[int, Position]) -> None:
        """Take over positions that are committed."""
        for partition, position in positions.items():
            self._owned[partition].position = position

    def _load(self, touched: Mapping[int, Mapping[str, object]], now: int) -> None:
        """Hold the stored ones of these dossiers."""
        missing = [
            code
            for partition, codes in touched.items()
            for code in codes
            if code not in self._owned[partition].entries
        ]
        if not missing:
            return
        with reading(self._engine) as connection:
            for code, _, overdue, encoded in stored_rows(connection, missing):
                dossier = decode(code, encoded)
                entry = self._counting.counted_before(dossier, now, overdue=bool(overdue))
                for partition, codes in touched.items():
                    if code in codes:
                        self._owned[partition].entries[code] = entry

    def _numbered(self, cells: Cells) -> list[CellRow]:
        return cell_rows(cells, self.services.of(service for _, _, service in cells))

    def _write(
        self,
        connection: Connection,
        changed: dict[int, dict[str, CountedDossier]],
        cells: Sequence[CellRow],
    ) -> None:
        write_dossiers(
            connection,
            [
                (code, partition, int(entry.overdue), entry.wake_at, encode(entry.dossier))
                for partition, entries in changed.items()
                for code, entry in entries.items()
            ],
        )
        self.cells.write(connection, cells)

    def _commit(
        self, positions: dict[int, Position], changed: dict[int, dict[str, CountedDossier]]
    ) -> None:
        """Take over in memory what the store has committed."""
        self.settle(positions)
        for partition in positions:
            owned = self._owned[partition]
            owned.entries.update(changed.get(partition, {}))
            if len(owned.entries) * len(self._owned) > self._keep:
                owned.entries.clear()


def _newest_times(
    touched: Iterable[Mapping[str, Sequence[DossierEvent]]],
) -> dict[str, tuple[int, int]]:
    """Return the newest event and observation times (ms UTC) of each portal."""
    newest: dict[str, tuple[int, int]] = {}
    for by_code in touched:
        for events in by_code.values():
            for event in events:
                at, observed = newest.get(event.portal, (0, 0))
                newest[event.portal] = max(at, event.occurred_at), max(observed, event.observed_at)
    return newest
