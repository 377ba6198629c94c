"""Day cells: exact counts of (partition, day, agency, domain, procedure), written by addition.

A cell is published to Kafka as absolute values; `dirty` counts the changes that Kafka has not
acknowledged yet (an outbox), so a crash between store and Kafka publishes again, never less.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from lgsp.domain.rates import MEASURES
from lgsp.store.fast_write import copy_rows
from lgsp.store.tables import CELLS

KEY = ("partition", "day", "agency", "domain", "procedure")
CellKey = tuple[int, int, str, str, str]
Cells = dict[CellKey, list[int]]
"""Changes of one transaction: key (in the order of KEY) -> one integer for each of MEASURES."""


_COLUMNS = (*KEY, *MEASURES, "dirty")
_NAMES = ", ".join(_COLUMNS)
_TYPES = ("int4", "int4", "text", "text", "text", *["int4"] * len(MEASURES), "int4")
# In plain SQL: a batch changes thousands of cells, and parameters by name cost more than the rest.
_ADD = (
    f"INSERT INTO cells ({_NAMES}) {{source}} ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = cells.{name} + excluded.{name}" for name in (*MEASURES, "dirty"))
)


def add(cells: Cells, key: CellKey, measure: int, amount: int) -> None:
    """Add `amount` to one measure (an index into MEASURES) of one cell."""
    counts = cells.get(key)
    if counts is None:
        counts = cells[key] = [0] * len(MEASURES)
    counts[measure] += amount


def write_cells(connection: Connection, cells: Cells) -> None:
    """Add the changes to the stored cells inside the caller's transaction."""
    rows = [(*key, *counts, 1) for key, counts in sorted(cells.items()) if any(counts)]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE TEMP TABLE IF NOT EXISTS changed_cells (LIKE cells) ON COMMIT DELETE ROWS"
        )
        copy_rows(connection, f"changed_cells ({_NAMES})", _TYPES, rows)
        source = f"SELECT {_NAMES} FROM changed_cells"  # noqa: S608 - names of our own
        connection.exec_driver_sql(_ADD.format(source=source))
    else:
        source = f"VALUES ({', '.join('?' * len(_COLUMNS))})"
        connection.exec_driver_sql(_ADD.format(source=source), rows)


def take_dirty(engine: Engine, partitions: Iterable[int], limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` cells that Kafka has not acknowledged yet, with their `dirty` count."""
    query = (
        select(CELLS)
        .where(CELLS.c.dirty > 0, CELLS.c.partition.in_(sorted(partitions)))
        .limit(limit)
    )
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def mark_published(engine: Engine, cells: Sequence[dict[str, Any]]) -> None:
    """Take the acknowledged changes off the cells; changes made since then stay pending."""
    if not cells:
        return
    statement = (
        update(CELLS)
        .where(*[CELLS.c[name] == bindparam(f"key_{name}") for name in KEY])
        .values(dirty=CELLS.c.dirty - bindparam("seen"))
    )
    with engine.begin() as connection:
        connection.execute(
            statement,
            [
                {"seen": cell["dirty"]} | {f"key_{name}": cell[name] for name in KEY}
                for cell in cells
            ],
        )
