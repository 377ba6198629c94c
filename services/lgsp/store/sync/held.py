"""Dossiers that are held: for which causes, and setting them going once a cause is gone."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Engine, TextClause, select

from lgsp.store.sync.rows import set_pending
from lgsp.store.sync.tables import IS_STOPPED, QUEUE, QueueState


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

    def _ours(self) -> tuple[ColumnElement[bool] | TextClause, ...]:
        state = QUEUE.c.queue_state == QueueState.HELD.value
        return IS_STOPPED, state, QUEUE.c.partition.in_(self._partitions())
