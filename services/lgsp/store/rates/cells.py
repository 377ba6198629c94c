"""Day cells: exact counts of (partition, day, service), written by addition.

A cell is published to Kafka as absolute values; `dirty` counts the changes that Kafka has not
acknowledged yet (an outbox), so a crash between store and Kafka publishes again, never less.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from lgsp.domain.rates import MEASURES
from lgsp.store.bulk_sql import copy_rows
from lgsp.store.engine import execute, reading
from lgsp.store.rates.services import Service
from lgsp.store.tables import DAY_CELLS

KEY = ("partition", "day", "agency", "domain", "procedure")
Cells = dict[tuple[int, int, Service], list[int]]
"""Changes of one transaction: partition, day, service -> one integer for each of MEASURES."""

CellRow = tuple[int, ...]
"""A changed cell: day, partition, number of the service, one integer for each of MEASURES."""

_KEY = ("day", "partition", "service")
_NAMES = ", ".join((*_KEY, *MEASURES, "dirty"))
_TYPES = ("int4",) * (len(_KEY) + len(MEASURES))
# In plain SQL: a batch changes thousands of cells, and parameters by name cost more than the rest.
_ADD = (
    f"INSERT INTO cells ({_NAMES}) {{source}} ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = cells.{name} + excluded.{name}" for name in (*MEASURES, "dirty"))
)
_ADD_VALUES = _ADD.format(source=f"VALUES ({', '.join('?' * len(_TYPES))}, 1)")
_ADD_COPIED = _ADD.format(
    source=f"SELECT {', '.join((*_KEY, *MEASURES))}, 1 FROM changed_cells"  # noqa: S608 - our own
)
_COPY_FROM = 64  # rows: fewer are not worth a COPY
_PUBLISHED = (
    "UPDATE cells SET dirty = dirty - ? WHERE partition = ? AND day = ? AND service ="
    " (SELECT id FROM services WHERE agency = ? AND domain = ? AND procedure = ?)"
)


def add(cells: Cells, partition: int, day: int, service: Service, measure: int, by: int) -> None:
    """Add `by` to one measure (an index into MEASURES) of one cell."""
    key = (partition, day, service)
    counts = cells.get(key)
    if counts is None:
        counts = cells[key] = [0] * len(MEASURES)
    counts[measure] += by


def cell_rows(cells: Cells, numbers: Mapping[Service, int]) -> list[CellRow]:
    """List the cells that change, in the order of their keys."""
    return sorted(
        (day, partition, numbers[service], *counts)
        for (partition, day, service), counts in cells.items()
        if any(counts)
    )


def write_cells(connection: Connection, rows: Sequence[CellRow]) -> None:
    """Add the changes to the stored cells inside the caller's transaction."""
    if not rows:
        return
    if connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM:
        columns = ", ".join(f"{name} int4" for name in (*_KEY, *MEASURES))
        connection.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS changed_cells ({columns}) ON COMMIT DELETE ROWS"
        )
        copy_rows(connection, "changed_cells", _TYPES, rows)
        connection.exec_driver_sql(_ADD_COPIED)
    else:
        execute(connection, _ADD_VALUES, list(rows))


def take_dirty(engine: Engine, partitions: Iterable[int], limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` cells that Kafka has not acknowledged yet, with their `dirty` count."""
    query = (
        select(DAY_CELLS)
        .where(DAY_CELLS.c.dirty > 0, DAY_CELLS.c.partition.in_(sorted(partitions)))
        .limit(limit)
    )
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def mark_published(engine: Engine, cells: Sequence[dict[str, Any]]) -> None:
    """Take the acknowledged changes off the cells; changes made since then stay pending."""
    if not cells:
        return
    with engine.begin() as connection:
        rows = [(cell["dirty"], *[cell[name] for name in KEY]) for cell in cells]
        execute(connection, _PUBLISHED, rows)
