"""Writes dossiers and portals inside the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, case

from lgsp.store.engine import upsert
from lgsp.store.tables import DOSSIERS, PORTALS

WholeRow = tuple[str, int, int, int | None, bytes]
"""A dossier: code, partition, overdue (0, 1), when to wake (ms UTC), state."""


def write_states(connection: Connection, rows: Sequence[WholeRow]) -> None:
    """Store whole states, whether the dossiers are there or not."""
    if not rows:
        return
    insert = upsert(connection.dialect, DOSSIERS)
    changed = {name: insert.excluded[name] for name in ("overdue", "wake_at", "state")}
    connection.execute(
        insert.on_conflict_do_update(index_elements=["code"], set_=changed),
        [
            {
                "code": code,
                "partition": partition,
                "overdue": overdue,
                "wake_at": wake_at,
                "state": state,
            }
            for code, partition, overdue, wake_at, state in rows
        ],
    )


def write_portals(connection: Connection, seen: dict[str, tuple[int, int]]) -> None:
    """Move the portals' newest event and observation times (ms UTC) on."""
    if not seen:
        return
    insert = upsert(connection.dialect, PORTALS)

    def later(name: str) -> object:
        stored, new = PORTALS.c[name], insert.excluded[name]
        return case((stored > new, stored), else_=new)

    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["portal"],
            set_={name: later(name) for name in ("last_event_at", "last_seen_at")},
        ),
        [
            {"portal": portal, "last_event_at": at, "last_seen_at": seen_at}
            for portal, (at, seen_at) in sorted(seen.items())
        ],
    )
