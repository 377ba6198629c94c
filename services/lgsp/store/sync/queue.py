"""The sync queue: what waits for the national portal, dossier by dossier, with its cause.

A batch of events is one transaction: the position by compare-and-swap, the events merged into
their dossiers, the changed ones marked as pending. So an offset passes only when its events are
durably in the queue. What a push did is settled against the version that was pushed: events that
came meanwhile leave the dossier pending.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, Engine, bindparam, case, delete, func, select, update

from lgsp.domain.dossier import Dossier
from lgsp.domain.event import DossierEvent
from lgsp.domain.working_time import Calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.store.events import EventReader, Refused, merge_read
from lgsp.store.offsets import Position, advance, advance_all, load_position
from lgsp.store.rates.layout import decode
from lgsp.store.sync.held import HeldDossiers
from lgsp.store.sync.rows import (
    Outgoing,
    Settled,
    Waiting,
    mark_pending,
    write_results,
    write_settled,
)
from lgsp.store.sync.tables import IS_FAILING, IS_PENDING, OUTBOX, QUEUE, QueueState

LANE = "national-sync"
_LOAD_AT_ONCE = 5000


class _OwnedPartition:
    def __init__(self, position: Position) -> None:
        self.position = position
        self.claimed = self.confirmed = time.monotonic()
        self.dossiers: dict[str, Dossier] = {}
        self.known: dict[str, int] = {}  # code -> `settled` by which this worker knows it


class SyncQueue:
    """The sync processor's lane handler, and the pusher's side of the same table.

    Args:
        engine: the store; several workers may share a PostgreSQL one.
        topic: topic whose offsets are stored.
        calendar: events with dates outside its years are rejected.
        clock: gives now in ms UTC.
        write_rejects: makes dead letters of rejected records durable, before the offset passes.
        lease: seconds for which a partition counts as ours without asking the store.
        grace: seconds after a claim before anything of the partition is pushed: what its last
            owner had sent must have arrived before the portal is asked what it holds.
        keep: most dossiers kept in memory.
    """

    def __init__(
        self,
        engine: Engine,
        topic: str,
        calendar: Calendar,
        clock: Callable[[], int],
        write_rejects: Callable[[Sequence[Reject]], None],
        *,
        lease: float = 3.0,
        grace: float = 0.0,
        keep: int = 20_000,
    ) -> None:
        self._engine = engine
        self._topic = topic
        self._reader = EventReader(calendar.years, sealed=True)
        self._clock = clock
        self._write_rejects = write_rejects
        self._lease = lease
        self._grace = grace
        self._keep = keep
        self._owned: dict[int, _OwnedPartition] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.held = HeldDossiers(engine, lambda: sorted(self._owned), clock)

    def open_partition(self, partition: int) -> int:
        """Claim the partition; return its stored position. Dossiers come when events name them.

        The claim moves the position's version, so a worker that had the partition before and does
        not know of its loss finds itself fenced in `confirm` and `apply`.
        """
        with self._engine.begin() as connection:
            stored = load_position(connection, LANE, self._topic, partition)
            owned = self._owned.get(partition)
            if owned is not None and owned.position == stored:
                return stored.offset
            claimed = advance(connection, LANE, self._topic, partition, stored, stored.offset)
        self._owned[partition] = _OwnedPartition(claimed or stored)
        self.on_change()
        return stored.offset

    def close_partition(self, partition: int) -> None:
        """Forget the partition; pushes under way for it are abandoned."""
        self._owned.pop(partition, None)

    def position(self, partition: int) -> int | None:
        """Return the next offset to read, None when the partition is not owned."""
        owned = self._owned.get(partition)
        return None if owned is None else owned.position.offset

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Merge the batches in one transaction; FencedError when a partition is not ours."""
        self.fold(batches)
        self.on_change()

    def fold(self, batches: Sequence[Batch]) -> None:
        """Do what `apply` does, for callers without a loop."""
        touched, rejects = self._reader.read_batches(batches)
        if rejects:
            self._write_rejects(rejects)
        changed: dict[int, dict[str, Dossier]] = {}
        refused: Refused = {}
        with self._engine.begin() as connection:
            held = {partition: self._owned[partition].position for partition in touched}
            offsets = {batch.partition: batch.next_offset for batch in batches}
            positions = advance_all(connection, LANE, self._topic, held, offsets)
            for partition, by_code in touched.items():
                changed[partition] = self._merge(connection, partition, by_code, refused)
            if refused:
                self._write_rejects(self._reader.rejects_of(batches, refused))
            mark_pending(connection, changed, self._clock())
        for partition, position in positions.items():
            owned = self._owned[partition]
            owned.position, owned.confirmed = position, time.monotonic()
            owned.dossiers.update(changed.get(partition, {}))
            if len(owned.dossiers) * len(self._owned) > self._keep:
                owned.dossiers.clear()

    def waiting(self, limit: int, *, failing: bool = False) -> list[Waiting]:
        """Return pending dossiers of owned partitions that may be tried now, longest due first.

        Args:
            limit: most to return.
            failing: those that have failed while the portal worked, or the others.
        """
        ready = time.monotonic() - self._grace
        mine = sorted(p for p, owned in self._owned.items() if owned.claimed <= ready)
        if not mine:
            return []
        query = (
            select(*[QUEUE.c[name] for name in Waiting._fields])
            .where(
                IS_PENDING,
                QUEUE.c.next_attempt_at <= self._clock(),
                QUEUE.c.partition.in_(mine),
                QUEUE.c.failing_since.is_not(None) if failing else QUEUE.c.failing_since.is_(None),
            )
            .order_by(QUEUE.c.next_attempt_at)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [Waiting(*row) for row in connection.execute(query)]

    def pull_in(self, longest: int) -> None:
        """Make due what is set for a time beyond `longest` ms from now: the clock was set back.

        A machine that starts with its clock hours ahead writes such times until it is corrected.
        """
        now = self._clock()
        beyond = QUEUE.c.next_attempt_at > now + longest
        mine = QUEUE.c.partition.in_(sorted(self._owned))
        since = case((QUEUE.c.failing_since > now, now), else_=QUEUE.c.failing_since)
        with self._engine.begin() as connection:
            connection.execute(
                update(QUEUE)
                .where(IS_PENDING, beyond, mine)
                .values(next_attempt_at=now, failing_since=since)
            )

    def confirm(self, partition: int) -> bool:
        """Tell whether the partition is still ours, asking the store when the lease is over.

        A worker that stood still finds the position moved by its successor: what it holds may be
        older than what the successor has sent, so it must not send.
        """
        owned = self._owned.get(partition)
        if owned is None:
            return False
        if time.monotonic() - owned.confirmed < self._lease:
            return True
        with self._engine.begin() as connection:
            stored = load_position(connection, LANE, self._topic, partition)
        if stored != owned.position:
            return False
        owned.confirmed = time.monotonic()
        return True

    def is_known(self, waiting: Waiting) -> bool:
        """Tell whether this worker itself brought the dossier to the state it acknowledged.

        Not after a redrive, which counts as a settlement by somebody else: then the portal is
        asked.
        """
        owned = self._owned.get(waiting.partition)
        return owned is not None and owned.known.get(waiting.code) == waiting.settled

    def forget_known(self) -> None:
        """Let every dossier be looked up at its next push: what was sent last is not certain."""
        for owned in self._owned.values():
            owned.known.clear()

    def note(self, waiting: Waiting, acknowledged: bytes) -> bool:
        """Write what a push is about to do to `acknowledged`; False: another has settled it.

        So it is known when this worker dies before it settles the push.
        """
        unsettled = (QUEUE.c.code == waiting.code) & (QUEUE.c.settled == waiting.settled)
        with self._engine.begin() as connection:
            written = update(QUEUE).where(unsettled).values(acknowledged=acknowledged)
            return connection.execute(written).rowcount == 1

    def settle(self, pushes: Sequence[Settled]) -> list[Settled]:
        """Write what pushes did in one transaction; return those that were ours to write."""
        now = self._clock()
        owned = [push for push in pushes if push.waiting.partition in self._owned]
        if not owned:
            return []
        with self._engine.begin() as connection:
            written = write_settled(connection, owned, now)
            if written:
                write_results(connection, written)
        for push in written:
            known = self._owned[push.waiting.partition].known
            if push.queue_state is QueueState.CLEAN or push.certain:
                known[push.waiting.code] = push.waiting.settled + 1
            else:
                known.pop(push.waiting.code, None)
        return written

    def outgoing(self, limit: int) -> list[Outgoing]:
        """Return sync results that Kafka has not acknowledged, oldest first."""
        if not self._owned:
            return []
        query = (
            select(OUTBOX.c.id, OUTBOX.c.code, OUTBOX.c.value)
            .where(OUTBOX.c.partition.in_(sorted(self._owned)))
            .order_by(OUTBOX.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [Outgoing(*row) for row in connection.execute(query)]

    def sent(self, results: Iterable[Outgoing]) -> None:
        """Forget results that Kafka has acknowledged."""
        gone = [{"gone": result.id} for result in results]
        with self._engine.begin() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.id == bindparam("gone")), gone)

    def _merge(
        self,
        connection: Connection,
        partition: int,
        by_code: dict[str, list[DossierEvent]],
        refused: Refused,
    ) -> dict[str, Dossier]:
        dossiers = self._owned[partition].dossiers
        missing = [code for code in by_code if code not in dossiers]
        for start in range(0, len(missing), _LOAD_AT_ONCE):
            query = select(QUEUE.c.code, QUEUE.c.dossier).where(
                QUEUE.c.code.in_(missing[start : start + _LOAD_AT_ONCE])
            )
            for code, encoded in connection.execute(query):
                dossiers[code] = decode(code, encoded)
        changed: dict[str, Dossier] = {}
        for code, events in by_code.items():
            before = dossiers.get(code)
            dossier = merge_read(before, events, refused)
            if dossier is not None and dossier is not before:
                changed[code] = dossier
        return changed


def count_pending(connection: Connection) -> int:
    """Return how many dossiers wait for the national portal; held and parked ones do not."""
    query = select(func.count()).select_from(QUEUE).where(IS_PENDING)
    return connection.execute(query).scalar_one()


def count_waiting(connection: Connection) -> int:
    """Return how many of the pending wait because they fail while the portal works."""
    query = select(func.count()).select_from(QUEUE).where(IS_PENDING, IS_FAILING)
    return connection.execute(query).scalar_one()


def count_known(connection: Connection) -> int:
    """Return how many dossiers the sync knows; it reads the index of their codes."""
    return connection.execute(select(func.count()).select_from(QUEUE)).scalar_one()
