"""The stored position of a lane in a partition, advanced only by compare-and-swap.

The transaction that writes a batch's state also advances the position. A worker that has lost its
partition to another one (a zombie) finds another position there, changes no row and rolls back,
so the effect on the store is exactly once whatever the fold does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from lgsp.domain.errors import FatalError
from lgsp.runtime.lane.handler import FencedError
from lgsp.store.engine import execute, hide_password, upsert
from lgsp.store.tables import OFFSETS

_ADVANCE = (
    "UPDATE offsets SET next_offset = ?, version = ? WHERE lane = ? AND topic = ?"
    " AND partition = ? AND next_offset = ? AND version = ?"
)


class Position(NamedTuple):
    """What a worker holds of a partition: next offset to read, count of transactions."""

    offset: int
    version: int


def load_position(connection: Connection, lane: str, topic: str, partition: int) -> Position:
    """Return the stored position, (0, 0) made when there is none yet."""
    where = _where(lane, topic, partition)
    row = connection.execute(
        select(OFFSETS.c.next_offset, OFFSETS.c.version).where(*where)
    ).first()
    if row is not None:
        return Position(*row)
    connection.execute(
        upsert(connection.dialect, OFFSETS)
        .values(lane=lane, topic=topic, partition=partition, next_offset=0, version=0)
        .on_conflict_do_nothing()
    )
    return Position(0, 0)


def advance(
    connection: Connection,
    lane: str,
    topic: str,
    partition: int,
    held: Position,
    next_offset: int,
) -> Position | None:
    """Move the position from `held` to `next_offset` inside the caller's transaction.

    Returns:
        The new position, or None when another worker has moved it: roll back, forget, reload.
        `next_offset` may equal the held offset: a transaction without new records (a timer's)
        is fenced in the same way.
    """
    moved = Position(next_offset, held.version + 1)
    changed = execute(connection, _ADVANCE, (*moved, lane, topic, partition, *held))
    return moved if changed.rowcount == 1 else None


def advance_all(
    connection: Connection,
    lane: str,
    topic: str,
    held: Mapping[int, Position],
    offsets: Mapping[int, int],
) -> dict[int, Position]:
    """Move the positions of several partitions; return the new ones.

    Raises:
        FencedError: some are another worker's: roll back.
        FatalError: the store was set back: versions only grow.
    """
    moved = {p: Position(at, held[p].version + 1) for p, at in sorted(offsets.items())}
    changes = [(*new, lane, topic, p, *held[p]) for p, new in moved.items()]
    if execute(connection, _ADVANCE, changes).rowcount != len(changes):
        stored = {p: load_position(connection, lane, topic, p) for p in moved}
        if back := sorted(p for p, at in stored.items() if at.version < held[p].version):
            url, first = hide_password(connection.engine.url), back[0]
            raise FatalError(
                f"the store {url} was set back while it was in use: {topic}/{first} stands at"
                f" {stored[first].offset} there, and this worker has stored {held[first].offset}"
            )
        raise FencedError(p for p, at in stored.items() if at != moved[p])
    return moved


def count_behind(ends: Mapping[int, int], stored: Mapping[int, int]) -> int:
    """Count the records of a log with these ends that stored positions have not passed."""
    return sum(max(0, end - stored.get(partition, 0)) for partition, end in ends.items())


def stored_offsets(connection: Connection, lane: str, topic: str) -> dict[int, int]:
    """Return partition -> next offset of every partition the lane has read."""
    rows = connection.execute(
        select(OFFSETS.c.partition, OFFSETS.c.next_offset).where(
            OFFSETS.c.lane == lane, OFFSETS.c.topic == topic
        )
    )
    return {row.partition: row.next_offset for row in rows}


def _where(lane: str, topic: str, partition: int) -> tuple[ColumnElement[bool], ...]:
    return (OFFSETS.c.lane == lane, OFFSETS.c.topic == topic, OFFSETS.c.partition == partition)
