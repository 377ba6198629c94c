"""Writes many dossiers at once, past the ORM's parameters: tuples to SQLite, COPY to PostgreSQL.

A dossier with new transitions is sent as its new head and those transitions; the store keeps the
ones between. Everything runs inside the caller's transaction.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from lgsp.domain.errors import FatalError
from lgsp.store.engine import execute
from lgsp.store.presence import driven
from lgsp.store.rates.layout import NO_TIME

_AT_ONCE = 20_000
_STORED = {
    "postgresql": "SELECT code, partition, overdue, state FROM dossiers WHERE code = ANY(?)",
    "sqlite": "SELECT code, partition, overdue, state FROM dossiers"
    " WHERE code IN (SELECT value FROM json_each(?))",
}


NewRow = tuple[str, int, int, int | None, bytes]
"""A dossier that the store does not have: code, partition, overdue, wake_at (ms UTC), encoded."""
GrownRow = tuple[int, int | None, bytes, int, bytes, str]
"""A stored dossier: overdue, wake_at, new head, the first byte (from 1) of the stored bytes that
stays behind it, new transitions, code."""


def or_null(times: npt.NDArray[np.int64]) -> list[int | None]:
    """Return times (ms UTC) as the store has them: NULL where nothing is to come."""
    found = times.astype(object)
    found[times == NO_TIME] = None
    listed: list[int | None] = found.tolist()
    return listed


def insert_rows(connection: Connection, rows: Sequence[NewRow]) -> None:
    """Store dossiers that are not there yet.

    Raises:
        FatalError: one is there already, of another partition.
    """
    if not rows:
        return
    try:
        _insert(connection, rows)
    except Exception as error:
        if "IntegrityError" not in {kind.__name__ for kind in type(error).__mro__}:
            raise
        raise FatalError(
            "events of one dossier stand in two partitions of the log: partitions were added to"
            " it. Make a log of more partitions out of it: `lgsp topics repartition`"
        ) from error


def _insert(connection: Connection, rows: Sequence[NewRow]) -> None:
    if connection.dialect.name == "postgresql":
        columns = "code, partition, overdue, wake_at, state"
        types = ("text", "int4", "int2", "int8", "bytea")
        copy_rows(connection, f"dossiers ({columns})", types, rows)
        return
    execute(
        connection,
        "INSERT INTO dossiers (code, partition, overdue, wake_at, state) VALUES (?, ?, ?, ?, ?)",
        list(rows),
    )


def grow_rows(connection: Connection, rows: Sequence[GrownRow]) -> None:
    """Append to stored dossiers; FatalError when the store does not have them all."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE TEMP TABLE IF NOT EXISTS grown (overdue int2, wake_at int8, head bytea,"
            " rest int4, transitions bytea, code text) ON COMMIT DELETE ROWS"
        )
        types = ("int2", "int8", "bytea", "int4", "bytea", "text")
        copy_rows(connection, "grown", types, rows)
        done = connection.exec_driver_sql(
            "UPDATE dossiers d SET overdue = g.overdue, wake_at = g.wake_at,"
            " state = g.head || substr(d.state, g.rest) || g.transitions FROM grown g"
            " WHERE d.code = g.code"
        ).rowcount
    else:
        done = execute(
            connection,
            "UPDATE dossiers SET overdue = ?, wake_at = ?,"
            " state = CAST(? || substr(state, ?) || ? AS BLOB) WHERE code = ?",
            list(rows),
        ).rowcount
    if done != len(rows):
        raise FatalError(f"{len(rows) - done} dossiers that were counted are not in the store")


def stored_rows(
    connection: Connection, codes: Sequence[str]
) -> Iterator[tuple[str, int, int, bytes]]:
    """Give code, partition, overdue and bytes of the dossiers that the store has."""
    for at in range(0, len(codes), _AT_ONCE):
        part = list(codes[at : at + _AT_ONCE])
        kind = connection.dialect.name
        names = part if kind == "postgresql" else json.dumps(part)
        yield from execute(connection, _STORED[kind], (names,))


def copy_rows(
    connection: Connection, into: str, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Copy rows into a table of PostgreSQL, `into` with its columns; types as PostgreSQL's."""
    driver: Any = connection.connection.driver_connection
    command = f"COPY {into} FROM STDIN (FORMAT BINARY)"
    with driven(connection), driver.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
