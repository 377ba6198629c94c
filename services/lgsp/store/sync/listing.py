"""What operators see of the sync queue, and how they set parked dossiers going again."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from lgsp.store.sync.tables import IS_PENDING, IS_STOPPED, QUEUE, QueueState


class Summary(NamedTuple):
    """Dossiers by state in the queue; since when (ms UTC) the longest pending one waits."""

    states: dict[str, int]
    oldest_pending: int | None
    reasons: dict[str, int]


def summarise(connection: Connection, *, clean: bool = False) -> Summary:
    """Count the dossiers of the queue.

    Args:
        connection: to the store.
        clean: count the clean ones too, which reads the whole table.
    """
    pending, oldest = connection.execute(
        select(func.count(), func.min(QUEUE.c.pending_since)).select_from(QUEUE).where(IS_PENDING)
    ).one()
    states = {
        QueueState.PENDING.value: int(pending),
        QueueState.HELD.value: 0,
        QueueState.PARKED.value: 0,
    }
    listed = (
        select(QUEUE.c.queue_state, QUEUE.c.reason, func.count())
        .where(IS_STOPPED)
        .group_by(QUEUE.c.queue_state, QUEUE.c.reason)
    )
    reasons: dict[str, int] = {}
    for state, reason, count in connection.execute(listed):
        states[state] += count
        reasons[f"{state}: {reason}"] = count
    if clean:
        every = connection.execute(select(func.count()).select_from(QUEUE)).scalar_one()
        states[QueueState.CLEAN.value] = every - sum(states.values())
    return Summary(states, oldest, reasons)


def list_stopped(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return held and parked dossiers with their cause, in code order."""
    names = ("reason", "attempts", "pending_since", "updated_at")
    query = (
        select(QUEUE.c.code, QUEUE.c.queue_state.label("lane"), *[QUEUE.c[n] for n in names])
        .where(IS_STOPPED)
        .order_by(QUEUE.c.queue_state, QUEUE.c.code)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def redrive(connection: Connection, now: int, codes: Collection[str] = ()) -> int:
    """Set held and parked dossiers pending again, with a fresh budget; return how many.

    Args:
        connection: inside the caller's transaction.
        now: ms UTC.
        codes: only these; empty: all.
    """
    statement = update(QUEUE).where(IS_STOPPED)
    if codes:
        statement = statement.where(QUEUE.c.code.in_(list(codes)))
    return connection.execute(
        statement.values(
            queue_state=QueueState.PENDING.value,
            attempts=0,
            failing_since=None,
            next_attempt_at=now,
            pending_since=now,
        )
    ).rowcount
