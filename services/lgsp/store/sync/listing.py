"""What operators see of the sync queue, and how they set dossiers going again."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, not_, select, update

from lgsp.store.sync.queue import count_waiting
from lgsp.store.sync.rows import set_pending
from lgsp.store.sync.tables import IS_HELD_BY_HAND, IS_PENDING, IS_STOPPED, QUEUE, QueueState


class Summary(NamedTuple):
    """Dossiers by state in the queue; since when (ms UTC) the longest pending one waits.

    `waiting` of the pending fail while the portal works.
    """

    states: dict[str, int]
    oldest_pending: int | None
    reasons: dict[str, int]
    waiting: int


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
        QueueState.IN_DOUBT.value: 0,
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
    return Summary(states, oldest, reasons, count_waiting(connection))


def list_stopped(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return dossiers in doubt, held and parked with their cause, by state in code order."""
    names = ("reason", "attempts", "pending_since", "updated_at")
    query = (
        select(QUEUE.c.code, QUEUE.c.queue_state.label("lane"), *[QUEUE.c[n] for n in names])
        .where(IS_STOPPED)
        .order_by(QUEUE.c.queue_state, QUEUE.c.code)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def list_pending(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return pending dossiers with the cause of their last failure, longest pending first."""
    names = ("code", "reason", "attempts", "pending_since", "failing_since", "next_attempt_at")
    query = (
        select(*[QUEUE.c[name] for name in names])
        .where(IS_PENDING)
        .order_by(QUEUE.c.pending_since, QUEUE.c.code)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def redrive_stopped(connection: Connection, now: int, cause: str = "") -> list[str]:
    """Set held and parked dossiers pending again, with a fresh budget; return their codes.

    Those that a person holds stay as they are.

    Args:
        connection: inside the caller's transaction.
        now: ms UTC.
        cause: only those whose cause contains this text; "": all.
    """
    meant = (IS_STOPPED, not_(IS_HELD_BY_HAND), QUEUE.c.reason.contains(cause, autoescape=True))
    query = select(QUEUE.c.code).where(*meant).order_by(QUEUE.c.code).with_for_update()
    codes = list(connection.execute(query).scalars())
    set_pending(connection, now, *meant)
    return codes


def redrive(connection: Connection, now: int, codes: Collection[str]) -> list[str]:
    """Set dossiers pending again however they stand; return the codes that the queue lacks.

    The portal is asked what it holds before anything is sent, also of one that was clean.
    """
    unknown = []
    for code in sorted(set(codes)):
        if not set_pending(connection, now, QUEUE.c.code == code):
            unknown.append(code)
    return unknown


def change_acknowledged(
    connection: Connection,
    now: int,
    codes: Collection[str],
    change: Callable[[bytes | None], bytes],
) -> list[str]:
    """Change what dossiers are known to have at the portal by a person's word, and redrive them.

    Args:
        connection: inside the caller's transaction.
        now: ms UTC.
        codes: the dossiers.
        change: gives the new `acknowledged` for the present one.

    Returns:
        The codes that the queue lacks.
    """
    query = select(QUEUE.c.code, QUEUE.c.acknowledged).with_for_update()
    found = connection.execute(query.where(QUEUE.c.code.in_(set(codes)))).all()
    for code, known in found:
        connection.execute(
            update(QUEUE).where(QUEUE.c.code == code).values(acknowledged=change(known))
        )
    return redrive(connection, now, codes)
