"""Appends rows of evidence, and erases payloads: each in one transaction, under the one head.

Statements are plain SQL: with a transaction for a few rows, SQLAlchemy's way costs more than they.

Whoever appends holds the head's row until the transaction ends: PostgreSQL lets one worker of
several pass at a time, SQLite has one writer anyway.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from sqlalchemy import Connection, Engine, null, update

from lgsp.domain.errors import FatalError
from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind, EvidenceRow, chained
from lgsp.store.engine import execute, reading
from lgsp.store.evidence.tables import HEAD, ROWS

_INSERT = (
    f"INSERT INTO {ROWS.name} ({', '.join(EvidenceRow._fields)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' for _ in EvidenceRow._fields)})"
)
_HEAD = f"SELECT id, seq, hash, at FROM {HEAD.name}"  # noqa: S608 - a name of ours
_NEWEST = f"SELECT max(seq) FROM {ROWS.name}"  # noqa: S608 - a name of ours
_LAST = (
    f"SELECT dossier, seq, hash FROM {ROWS.name} WHERE seq IN"  # noqa: S608 - a name of ours
    f" (SELECT max(seq) FROM {ROWS.name} WHERE dossier IN ({{}}) GROUP BY dossier)"
)
_MOVE = f"UPDATE {HEAD.name} SET seq = ?, hash = ?, at = ?"  # noqa: S608 - a name of ours
_LAST_AT_ONCE = 500  # codes in one question
_CHANGED = (
    "It was changed by another hand, and nothing is sent: `lgsp evidence verify` says where it"
    " differs, docs/how-to/evidence.md what to do"
)


class Erased(NamedTuple):
    """What an erasure did: payloads erased, and the row that says so."""

    payloads: int
    seq: int


def read_head(connection: Connection, *, lock: bool = False) -> ChainHead:
    """Return the head; `lock`: held until the transaction ends.

    Raises:
        FatalError: there is none.
    """
    locked = lock and connection.dialect.name == "postgresql"
    row = execute(connection, f"{_HEAD} FOR UPDATE" if locked else _HEAD).fetchone()
    if row is None:
        raise FatalError("the evidence has lost its head: restore it from a backup")
    return ChainHead(*row)


def stored_head(engine: Engine) -> ChainHead:
    """Return the head as it stands in the store, whoever wrote it; FatalError: there is none."""
    with reading(engine) as connection:
        return read_head(connection)


def append(
    connection: Connection,
    entries: Sequence[EvidenceEntry],
    now: int,
    known: ChainHead | None = None,
) -> ChainHead:
    """Append entries in their order, inside the caller's transaction; return the new head.

    Args:
        connection: to the store.
        entries: one at least.
        now: ms UTC.
        known: the head as the caller last knew it.

    Raises:
        FatalError: the store holds rows that its head does not know, or less than was known.
    """
    head = read_head(connection, lock=True)
    if known is not None and (
        head.store != known.store
        or head.seq < known.seq
        or (head.seq == known.seq and head.hash != known.hash)
    ):
        raise FatalError(
            f"the evidence was set back while it was in use: it went to row {known.seq}, and goes"
            f" to row {head.seq} now. {_CHANGED}"
        )
    newest = execute(connection, _NEWEST).fetchone()[0] or 0
    if newest > head.seq:
        raise FatalError(
            f"the evidence has row {newest}, and its head is of row {head.seq}. {_CHANGED}"
        )
    last = _last_rows(connection, sorted({entry.dossier for entry in entries}))
    rows, before = [], head.hash
    for seq, entry in enumerate(entries, head.seq + 1):
        row = chained(entry, seq, before, last.get(entry.dossier))
        last[entry.dossier], before = (seq, row.hash), row.hash
        rows.append(tuple(row))
    execute(connection, _INSERT, rows)
    moved = ChainHead(head.store, head.seq + len(rows), before, now)
    execute(connection, _MOVE, (moved.seq, moved.hash, moved.at))
    return moved


def erase(engine: Engine, order: EvidenceEntry) -> Erased:
    """Erase the payloads of a dossier for good, and append the order; the hashes stay.

    Args:
        engine: the store.
        order: of kind ERASED.
    """
    with engine.begin() as connection:
        head = append(connection, [order._replace(kind=EvidenceKind.ERASED)], order.at)
        gone = connection.execute(
            update(ROWS)
            .where(ROWS.c.dossier == order.dossier, ROWS.c.sealed.is_not(None))
            .values(sealed=null())
        ).rowcount
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw:  # what it was still stands in the log beside
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        outside = engine.execution_options(isolation_level="AUTOCOMMIT")
        with outside.connect() as connection:
            connection.exec_driver_sql(f"VACUUM {ROWS.name}")
    return Erased(gone, head.seq)


def _last_rows(connection: Connection, codes: list[str]) -> dict[str, tuple[int, bytes]]:
    """Return place and hash of the last row of each dossier that has one."""
    found: dict[str, tuple[int, bytes]] = {}
    for start in range(0, len(codes), _LAST_AT_ONCE):
        some = codes[start : start + _LAST_AT_ONCE]
        statement = _LAST.format(", ".join("?" for _ in some))
        for code, seq, hashed in execute(connection, statement, tuple(some)):
            found[code] = (seq, hashed)
    return found
