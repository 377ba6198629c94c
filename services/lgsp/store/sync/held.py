"""Dossiers that are held: for which causes, and setting them going once a cause is gone.

One that a person holds stays so whatever its source says, until a person releases it.
"""

from collections.abc import Callable, Collection

from sqlalchemy import ColumnElement, Connection, Engine, TextClause, select, update

from lgsp.store.sync.rows import set_pending
from lgsp.store.sync.tables import (
    HELD_BY_HAND,
    IS_HELD_BY_HAND,
    IS_STOPPED,
    QUEUE,
    QueueState,
)


class HeldDossiers:
    """The held dossiers of one worker.

    Args:
        engine: the store.
        partitions: gives those that are the worker's.
        clock: gives now in ms UTC.
    """

    def __init__(
        self,
        engine: Engine,
        partitions: Callable[[], list[int]],
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._clock = clock

    def causes(self, beginning: str) -> list[str]:
        """Return the causes, of this beginning, for which dossiers are held."""
        query = (
            select(QUEUE.c.reason)
            .where(*self._ours(), QUEUE.c.reason.startswith(beginning, autoescape=True))
            .distinct()
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def free(self, cause: str, limit: int) -> int:
        """Set dossiers that are held for this cause pending, `limit` at most; return how many."""
        some = select(QUEUE.c.code).where(*self._ours(), QUEUE.c.reason == cause).limit(limit)
        with self._engine.begin() as connection:
            codes = list(connection.execute(some).scalars())
            return set_pending(connection, self._clock(), QUEUE.c.code.in_(codes))

    def by_hand(self) -> set[str]:
        """Return the dossiers that a person holds."""
        query = select(QUEUE.c.code).where(IS_STOPPED, IS_HELD_BY_HAND)
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def try_again(self, codes: Collection[str]) -> None:
        """Set those of these dossiers that are parked pending again."""
        parked = QUEUE.c.queue_state == QueueState.PARKED.value
        mine = QUEUE.c.partition.in_(self._partitions())
        with self._engine.begin() as connection:
            set_pending(
                connection, self._clock(), IS_STOPPED, parked, mine, QUEUE.c.code.in_(codes)
            )

    def _ours(self) -> tuple[ColumnElement[bool] | TextClause, ...]:
        state = QUEUE.c.queue_state == QueueState.HELD.value
        return IS_STOPPED, state, QUEUE.c.partition.in_(self._partitions())


def hold(connection: Connection, now: int, codes: Collection[str], why: str) -> list[str]:
    """Hold dossiers by a person's word; return the codes that the queue lacks.

    It counts as a settlement: a push under way ends, and settles nothing.

    Args:
        connection: inside the caller's transaction.
        now: ms UTC.
        codes: the dossiers.
        why: the reason, and who gives it.
    """
    unknown = []
    for code in sorted(set(codes)):
        held = connection.execute(
            update(QUEUE)
            .where(QUEUE.c.code == code)
            .values(
                queue_state=QueueState.HELD.value,
                reason=f"{HELD_BY_HAND}{why}",
                settled=QUEUE.c.settled + 1,
                attempts=0,
                failing_since=None,
                updated_at=now,
            )
        )
        if not held.rowcount:
            unknown.append(code)
    return unknown


def release(connection: Connection, now: int, codes: Collection[str]) -> list[str]:
    """Set dossiers going that a person holds; return the codes that nobody holds."""
    return [
        code
        for code in sorted(set(codes))
        if not set_pending(connection, now, QUEUE.c.code == code, held_by_hand=True)
    ]


def held_by_hand(connection: Connection, codes: Collection[str]) -> list[str]:
    """Return those of the codes that a person holds."""
    query = select(QUEUE.c.code).where(IS_HELD_BY_HAND, QUEUE.c.code.in_(set(codes)))
    return sorted(connection.execute(query).scalars())
