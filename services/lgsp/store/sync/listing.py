"""What operators see of the sync lanes, and how they set parked ones going again."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from lgsp.store.sync.tables import IS_PENDING, IS_STOPPED, LANES, State


class Summary(NamedTuple):
    """Lanes by state, and since when (ms UTC) the longest pending one waits."""

    states: dict[str, int]
    oldest_pending: int | None
    reasons: dict[str, int]


def summarise(connection: Connection, *, clean: bool = False) -> Summary:
    """Count the lanes.

    Args:
        connection: to the store.
        clean: count the clean ones too, which reads the whole table.
    """
    pending, oldest = connection.execute(
        select(func.count(), func.min(LANES.c.pending_since)).select_from(LANES).where(IS_PENDING)
    ).one()
    states = {State.PENDING.value: int(pending), State.HELD.value: 0, State.PARKED.value: 0}
    listed = (
        select(LANES.c.lane, LANES.c.reason, func.count())
        .where(IS_STOPPED)
        .group_by(LANES.c.lane, LANES.c.reason)
    )
    reasons: dict[str, int] = {}
    for lane, reason, count in connection.execute(listed):
        states[lane] += count
        reasons[f"{lane}: {reason}"] = count
    if clean:
        every = connection.execute(select(func.count()).select_from(LANES)).scalar_one()
        states[State.CLEAN.value] = every - sum(states.values())
    return Summary(states, oldest, reasons)


def list_stopped(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return held and parked lanes with their cause, in code order."""
    names = ("code", "lane", "reason", "attempts", "pending_since", "updated_at")
    query = (
        select(*[LANES.c[name] for name in names])
        .where(IS_STOPPED)
        .order_by(LANES.c.lane, LANES.c.code)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def redrive(connection: Connection, now: int, codes: Collection[str] = ()) -> int:
    """Set held and parked lanes pending again, with a fresh budget; return how many.

    Args:
        connection: inside the caller's transaction.
        now: ms UTC.
        codes: only these; empty: all.
    """
    statement = update(LANES).where(IS_STOPPED)
    if codes:
        statement = statement.where(LANES.c.code.in_(list(codes)))
    return connection.execute(
        statement.values(
            lane=State.PENDING.value,
            attempts=0,
            failing_since=None,
            next_attempt_at=now,
            pending_since=now,
        )
    ).rowcount
