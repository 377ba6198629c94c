"""Day cells: exact counts of (partition, day, agency, domain, procedure), written by addition.

A cell is published to Kafka as absolute values; `dirty` counts the changes that Kafka has not
acknowledged yet (an outbox), so a crash between store and Kafka publishes again, never less.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from lgsp.domain.rates import MEASURES
from lgsp.store.engine import upsert
from lgsp.store.tables import CELLS

KEY = ("partition", "day", "agency", "domain", "procedure")
CellKey = tuple[int, int, str, str, str]
Cells = dict[CellKey, list[int]]
"""Changes of one transaction: key (in the order of KEY) -> one integer for each of MEASURES."""


def add(cells: Cells, key: CellKey, measure: int, amount: int) -> None:
    """Add `amount` to one measure (an index into MEASURES) of one cell."""
    counts = cells.get(key)
    if counts is None:
        counts = cells[key] = [0] * len(MEASURES)
    counts[measure] += amount


def write_cells(connection: Connection, cells: Cells) -> None:
    """Add the changes to the stored cells inside the caller's transaction."""
    names = (*KEY, *MEASURES)
    rows = [
        dict(zip(names, (*key, *counts), strict=True), dirty=1)
        for key, counts in sorted(cells.items())
        if any(counts)
    ]
    if not rows:
        return
    insert = upsert(connection.dialect, CELLS)
    added = {name: CELLS.c[name] + insert.excluded[name] for name in (*MEASURES, "dirty")}
    connection.execute(
        insert.on_conflict_do_update(index_elements=KEY, set_=added),
        rows,
    )


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
