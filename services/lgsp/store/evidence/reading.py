"""Reads evidence: one dossier's rows, their neighbours in the whole, or every row in order."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from lgsp.domain.evidence.row import EvidenceRow
from lgsp.store.evidence.tables import ROWS

_AT_ONCE = 2000
_COLUMNS = [ROWS.c[name] for name in EvidenceRow._fields]


class Linked(NamedTuple):
    """A dossier's row, the hash of the row before it in the whole, and the row after it.

    `before` is None when that row is gone; `after` comes with the hash of the row before it of
    its dossier (None: that one is gone, or it is its dossier's first).
    """

    row: EvidenceRow
    before: bytes | None
    after: EvidenceRow | None
    after_previous: bytes | None


def count_rows(connection: Connection, code: str | None = None) -> int:
    """Return how many rows there are, in all or of one dossier."""
    query = select(func.count()).select_from(ROWS)
    return connection.execute(
        query if code is None else query.where(ROWS.c.dossier == code)
    ).scalar_one()


def all_rows(connection: Connection) -> Iterator[EvidenceRow]:
    """Give every row in order, however many there are."""
    query = select(*_COLUMNS).order_by(ROWS.c.seq)
    found = connection.execution_options(yield_per=_AT_ONCE).execute(query)
    for row in found:
        yield EvidenceRow._make(row)


def rows_of(connection: Connection, code: str) -> list[EvidenceRow]:
    """Return the rows of a dossier in order."""
    query = select(*_COLUMNS).where(ROWS.c.dossier == code).order_by(ROWS.c.seq)
    return [EvidenceRow._make(row) for row in connection.execute(query)]


def lost_stores(connection: Connection, order: str) -> set[str]:
    """Return the other stores that a person has said to be lost, by the name of this order."""
    query = select(ROWS.c.theirs).where(ROWS.c.dossier == "", ROWS.c.service == order)
    return set(connection.execute(query).scalars())


def linked_rows(connection: Connection, code: str) -> list[Linked]:
    """Return the rows of a dossier with what stands around them in the whole."""
    found = []
    for row in rows_of(connection, code):
        after = _row(connection, row.seq + 1)
        of_after = None if after is None else hash_at(connection, after.previous)
        found.append(Linked(row, hash_at(connection, row.seq - 1), after, of_after))
    return found


def _row(connection: Connection, seq: int) -> EvidenceRow | None:
    found = connection.execute(select(*_COLUMNS).where(ROWS.c.seq == seq)).first()
    return None if found is None else EvidenceRow._make(found)


def hash_at(connection: Connection, seq: int) -> bytes | None:
    """Return the stored hash of a row, None when there is no such row."""
    return connection.execute(select(ROWS.c.hash).where(ROWS.c.seq == seq)).scalar()
