"""Reads dossiers that are due, writes dossiers and portals, in the caller's transaction."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, Table, select

from lgsp.domain.errors import ConfigurationError
from lgsp.store.engine import execute, hide_password
from lgsp.store.rates.layout import VERSION
from lgsp.store.tables import DOSSIERS

WholeRow = tuple[str, int, int, int | None, bytes]
"""A dossier: code, partition, overdue (0, 1), when to wake (ms UTC), the dossier encoded."""

_ROWS_AT_ONCE = 500
_DOSSIER = (
    "INSERT INTO dossiers (code, partition, overdue, wake_at, state) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (code) DO UPDATE SET overdue = excluded.overdue, wake_at = excluded.wake_at,"
    " state = excluded.state"
)

_PORTAL = """
INSERT INTO portals (portal, last_event_at, last_seen_at) VALUES (?, ?, ?)
ON CONFLICT (portal) DO UPDATE SET
  last_event_at = CASE WHEN portals.last_event_at > excluded.last_event_at
    THEN portals.last_event_at ELSE excluded.last_event_at END,
  last_seen_at = CASE WHEN portals.last_seen_at > excluded.last_seen_at
    THEN portals.last_seen_at ELSE excluded.last_seen_at END
"""


def check_layout(connection: Connection, table: Table) -> None:
    """Raise ConfigurationError when the table holds dossiers of another layout.

    One is looked at: all of a store were written by one version.
    """
    encoded = connection.execute(select(table.c.dossier).limit(1)).scalar()
    if encoded is not None and encoded[0] != VERSION:
        raise ConfigurationError(
            f"the store {hide_password(connection.engine.url)} was made by another version"
            f" (dossiers of layout {encoded[0]}, this one has {VERSION}): `lgsp upgrade` makes a"
            " new one from the log and keeps this one"
        )


def rows_to_wake(
    connection: Connection, partitions: Collection[int], now: int, limit: int
) -> list[tuple[int, str, int, bytes]]:
    """Return partition, code, overdue (0, 1) and bytes of dossiers whose time (ms UTC) is over."""
    query = (
        select(DOSSIERS.c.partition, DOSSIERS.c.code, DOSSIERS.c.overdue, DOSSIERS.c.dossier)
        .where(DOSSIERS.c.wake_at <= now, DOSSIERS.c.partition.in_(sorted(partitions)))
        .limit(limit)
    )
    return [(*row,) for row in connection.execute(query)]


def rows_overdue(
    connection: Connection, partitions: Collection[int]
) -> Iterator[tuple[int, str, int, bytes]]:
    """Give the same of the dossiers that are counted overdue."""
    query = (
        select(DOSSIERS.c.partition, DOSSIERS.c.code, DOSSIERS.c.overdue, DOSSIERS.c.dossier)
        .where(DOSSIERS.c.overdue == 1, DOSSIERS.c.partition.in_(sorted(partitions)))
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    return ((*row,) for row in connection.execute(query))


def write_dossiers(connection: Connection, rows: Sequence[WholeRow]) -> None:
    """Store whole dossiers, whether they are there or not."""
    if rows:
        execute(connection, _DOSSIER, list(rows))


def write_portals(connection: Connection, seen: dict[str, tuple[int, int]]) -> None:
    """Move the portals' newest event and observation times (ms UTC) on."""
    if seen:
        execute(connection, _PORTAL, [(name, *times) for name, times in sorted(seen.items())])
