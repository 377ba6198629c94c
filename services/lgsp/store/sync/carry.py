"""Takes over what the log does not know: what the national portal has acknowledged, and why."""

from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, MetaData, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import DatabaseError, NoSuchTableError

from lgsp.domain.errors import FatalError
from lgsp.store.sync.tables import OUTBOX, QUEUE, QueueState

_OF_THE_LOG = {"code", "partition", "state"}
_AT_ONCE = 5000


def old_tables(connection: Connection) -> tuple[Table, Table] | None:
    """Return queue and outbox of a store of any layout; None when it has none to be read."""
    try:
        found = MetaData()
        queue, outbox = (Table(t.name, found, autoload_with=connection) for t in (QUEUE, OUTBOX))
    except (NoSuchTableError, DatabaseError):
        return None
    return (queue, outbox) if {"code", "lane"} <= set(queue.c.keys()) else None


def carry_over(
    old: Connection,
    tables: tuple[Table, Table],
    new: Connection,
    touched: AbstractSet[str] | None = None,
) -> int:
    """Give dossiers that the log has put into the new queue the state they had in the old one.

    Args:
        old: the store as it was.
        tables: its queue and outbox.
        new: its queue filled from the log as far as the old one had read.
        touched: when the new queue is filled further than that: the dossiers of which the old one
            had not read all. They are tried again, with what was acknowledged.

    Returns:
        How many dossiers.

    Raises:
        FatalError: the new queue does not have the same dossiers.
    """
    queue, outbox = tables
    names = {column.name for column in QUEUE.columns} & set(queue.c.keys()) - _OF_THE_LOG
    columns = {column.name: column for column in QUEUE.columns}
    known = {state.value for state in QueueState}
    statement = (
        update(QUEUE)
        .where(QUEUE.c.code == bindparam("of"))
        .values({columns[name]: bindparam(f"new_{name}") for name in sorted(names)})
    )
    renew = (
        update(QUEUE)
        .where(QUEUE.c.code == bindparam("of"))
        .values(acknowledged=bindparam("new_acknowledged"), settled=bindparam("new_settled"))
    )
    done = 0
    wanted = select(queue.c.code, *[queue.c[name] for name in sorted(names)])
    rows = old.execution_options(yield_per=_AT_ONCE).execute(wanted).mappings()
    for part in rows.partitions(_AT_ONCE):
        whole: list[dict[str, Any]] = []
        again: list[dict[str, Any]] = []
        for row in part:
            values = {f"new_{name}": row[name] for name in names} | {"of": row["code"]}
            if values["new_lane"] not in known:  # a state that there is no more: it is tried again
                values["new_lane"] = QueueState.PENDING.value
            if touched is None or row["code"] not in touched:
                whole.append(values)
            else:
                again.append({n: values[n] for n in ("of", "new_acknowledged", "new_settled")})
        for what, listed in ((statement, whole), (renew, again)):
            if listed:
                done += new.execute(what, listed).rowcount
    before, after = (
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for connection, table in ((old, queue), (new, QUEUE))
    )
    if done != before or (touched is None and after != before):
        raise FatalError(
            f"the old store's queue has {before} dossiers, the log gives {after} as far as it was"
            f" read, and {done} are in both: they are not of one log"
        )
    parts = [c.name for c in OUTBOX.columns if c.name != "id" and c.name in outbox.c]
    left = [dict(row) for row in old.execute(select(*[outbox.c[p] for p in parts])).mappings()]
    if left:
        new.execute(insert(OUTBOX), left)
    return done
