"""Day cells: exact counts of (partition, day, service), written by addition.

A cell is published to Kafka as absolute values; `dirty` counts the changes that Kafka has not
acknowledged yet (an outbox), so a crash between store and Kafka publishes again, never less.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Subquery,
    Table,
    select,
)

from lgsp.domain.measures import Measures
from lgsp.store.engine import execute, partial_index, reading
from lgsp.store.rates.bulk_sql import copy_rows
from lgsp.store.rates.services import Service
from lgsp.store.tables import SERVICES

KEY = ("partition", "day", "agency", "domain", "procedure")
Cells = dict[tuple[int, int, Service], list[int]]
"""Changes of one transaction: partition, day, service -> one integer for each measure."""

CellRow = tuple[int, ...]
"""A changed cell: day, partition, number of the service, one integer for each measure."""

_KEY = ("day", "partition", "service")
_COPY_FROM = 64  # rows: fewer are not worth a COPY
_PUBLISHED = (
    "UPDATE cells SET dirty = dirty - ? WHERE partition = ? AND day = ? AND service ="
    " (SELECT id FROM services WHERE agency = ? AND domain = ? AND procedure = ?)"
)

_DAYS_AT_ONCE = 30
_CHANGED_IN = "UPDATE cells SET dirty = dirty + 1 WHERE day >= ? AND day < ?"


class DayCells:
    """The cells of one profile's measures.

    Attributes:
        names: of the measures, in the order of the columns.
        table: one row a cell; tables of a store belong to one profile (counted_by.py).
        view: the cells with the texts of their services, for those who read them.
    """

    def __init__(self, measures: Measures) -> None:
        self.names = names = measures.names
        self.table = _table(names)
        self.view = _view(self.table)
        # In plain SQL: a batch changes thousands of cells, and parameters by name cost more than
        # the rest.
        columns = (*_KEY, *names)
        add = (
            f"INSERT INTO cells ({', '.join(columns)}, dirty) {{source}} ON CONFLICT"
            f" ({', '.join(_KEY)}) DO UPDATE SET "
            + ", ".join(f"{name} = cells.{name} + excluded.{name}" for name in (*names, "dirty"))
        )
        self._types = ("int4",) * len(columns)
        self._add_values = add.format(source=f"VALUES ({', '.join('?' * len(columns))}, 1)")
        self._add_copied = add.format(
            source=f"SELECT {', '.join(columns)}, 1 FROM changed_cells"  # noqa: S608 - our own
        )
        self._changed = ", ".join(f"{name} int4" for name in columns)

    def no_changes(self) -> Cells:
        """Return changes to add to, 0 in every measure of every cell."""
        width = len(self.names)
        return defaultdict(lambda: [0] * width)

    def write(self, connection: Connection, rows: Sequence[CellRow]) -> None:
        """Add the changes to the stored cells inside the caller's transaction."""
        if not rows:
            return
        if connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM:
            connection.exec_driver_sql(
                f"CREATE TEMP TABLE IF NOT EXISTS changed_cells ({self._changed})"
                " ON COMMIT DELETE ROWS"
            )
            copy_rows(connection, "changed_cells", self._types, rows)
            connection.exec_driver_sql(self._add_copied)
        else:
            execute(connection, self._add_values, list(rows))

    def take_dirty(
        self, engine: Engine, partitions: Iterable[int], limit: int
    ) -> list[dict[str, Any]]:
        """Return up to `limit` cells that Kafka has not acknowledged, with their `dirty` count."""
        view = self.view
        query = (
            select(view)
            .where(view.c.dirty > 0, view.c.partition.in_(sorted(partitions)))
            .limit(limit)
        )
        with reading(engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


day_cells = lru_cache(DayCells)
"""The DayCells of a profile's measures, made once."""


def cell_rows(cells: Cells, numbers: Mapping[Service, int]) -> list[CellRow]:
    """List the cells that change, in the order of their keys."""
    return sorted(
        (day, partition, numbers[service], *counts)
        for (partition, day, service), counts in cells.items()
        if any(counts)
    )


def mark_published(engine: Engine, cells: Sequence[dict[str, Any]]) -> None:
    """Take the acknowledged changes off the cells; changes made since then stay pending."""
    if not cells:
        return
    with engine.begin() as connection:
        rows = [(cell["dirty"], *[cell[name] for name in KEY]) for cell in cells]
        execute(connection, _PUBLISHED, rows)


def mark_all_changed(engine: Engine) -> int:
    """Mark every cell as changed, so that all are published (again); return how many there are.

    A transaction a month of days: workers write in between. What they publish meanwhile without
    this mark is published once more.
    """
    with reading(engine) as connection:
        first, last = execute(connection, "SELECT min(day), max(day) FROM cells").fetchone()
    marked = 0
    if first is not None:
        for day in range(first, last + 1, _DAYS_AT_ONCE):
            with engine.begin() as connection:
                changed = execute(connection, _CHANGED_IN, (day, day + _DAYS_AT_ONCE))
            marked += changed.rowcount
    return marked


def _table(names: Sequence[str]) -> Table:
    # One index and no text in it: a replay changes hundreds of thousands of cells.
    table = Table(
        "cells",
        MetaData(),
        Column("day", Integer, primary_key=True, comment="Days since 1970, Asia/Ho_Chi_Minh."),
        Column("partition", Integer, primary_key=True),
        Column("service", Integer, primary_key=True, comment="id in services"),
        *[Column(name, Integer, nullable=False, server_default="0") for name in names],
        Column("dirty", Integer, nullable=False, comment="Changes not yet acknowledged by Kafka."),
        sqlite_with_rowid=False,
    )
    partial_index("cells_dirty", table.c.partition, where=table.c.dirty > 0)
    return table


def _view(table: Table) -> Subquery:
    counts = [column for column in table.c if column.name not in _KEY]
    texts = (SERVICES.c.agency, SERVICES.c.domain, SERVICES.c.procedure)
    return (
        select(table.c.partition, table.c.day, *texts, *counts)
        .join_from(table, SERVICES, table.c.service == SERVICES.c.id)
        .subquery("day_cells")
    )
