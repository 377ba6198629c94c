"""Takes over what the log does not know: what the national portal has acknowledged, and why."""

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


def carry_over(old: Connection, tables: tuple[Table, Table], new: Connection) -> int:
    """Give dossiers that the log has put into the new queue the state they had in the old one.

    Args:
        old: the store as it was.
        tables: its queue and outbox.
        new: its queue filled from the log as far as the old one had read.

    Returns:
        How many dossiers.

    Raises:
        FatalError: the new queue does not have exactly the same dossiers.
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
    done = 0
    wanted = select(queue.c.code, *[queue.c[name] for name in sorted(names)])
    rows = old.execution_options(yield_per=_AT_ONCE).execute(wanted).mappings()
    for part in rows.partitions(_AT_ONCE):
        values: list[dict[str, Any]] = [
            {"of": row["code"], **{f"new_{name}": row[name] for name in names}} for row in part
        ]
        for each in values:
            if each["new_lane"] not in known:  # a state that there is no more: it is tried again
                each["new_lane"] = QueueState.PENDING.value
        done += new.execute(statement, values).rowcount
    counts = [
        c.execute(select(func.count()).select_from(t)).scalar_one()
        for c, t in ((old, queue), (new, QUEUE))
    ]
    if not done == counts[0] == counts[1]:
        raise FatalError(
            f"the old store's queue has {counts[0]} dossiers, the log gives {counts[1]} as far as"
            f" it was read, and {done} are in both: they are not of one log"
        )
    parts = [c.name for c in OUTBOX.columns if c.name != "id" and c.name in outbox.c]
    left = [dict(row) for row in old.execute(select(*[outbox.c[p] for p in parts])).mappings()]
    if left:
        new.execute(insert(OUTBOX), left)
    return done
