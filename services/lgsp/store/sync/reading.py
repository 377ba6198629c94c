"""Reads dossiers of the queue as they stand there, for those who compare and change nothing."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from lgsp.store.sync.tables import QUEUE

_AT_ONCE = 500
_PAGE = 5000


class QueueRow(NamedTuple):
    """A dossier as it stands in the sync's queue; times in ms UTC."""

    code: str
    version: int
    settled: int
    queue_state: str
    reason: str
    acknowledged: bytes | None
    attempts: int
    updated_at: int | None
    dossier: bytes


_ROW = [QUEUE.c[name] for name in QueueRow._fields]


def rows_of(connection: Connection, codes: Collection[str]) -> Iterator[QueueRow]:
    """Give the queue's rows of these codes, those that it has, in no order."""
    wanted = sorted(set(codes))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        for row in connection.execute(select(*_ROW).where(QUEUE.c.code.in_(part))):
            yield QueueRow(*row)


def all_rows(connection: Connection) -> Iterator[QueueRow]:
    """Give every row of the queue, in code order, a page at a time."""
    after = ""
    while True:
        query = select(*_ROW).where(QUEUE.c.code > after).order_by(QUEUE.c.code).limit(_PAGE)
        page = [QueueRow(*row) for row in connection.execute(query)]
        yield from page
        if not page:
            return
        after = page[-1].code
