"""One hash over everything counted: equal event sets give equal digests, on any store."""

import hashlib
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, collate, func, select

from lgsp.domain.measures import Measures
from lgsp.store.engine import snapshot
from lgsp.store.rates.cells import day_cells
from lgsp.store.tables import DOSSIERS, SERVICES

_SERVICES = select(SERVICES.c.id, SERVICES.c.agency, SERVICES.c.domain, SERVICES.c.procedure)
_ROWS_AT_ONCE = 5000


class Digest(NamedTuple):
    """What a store holds, in a form to compare."""

    dossiers: int
    cells: int
    sha256: str


def digest(engine: Engine, measures: Measures) -> Digest:
    """Hash every dossier as stored and every non-zero day cell, partitions added up.

    Independent of partitions, batches, order and time of counting; `cells` counts the cells.
    The measures are those of the profile that the store was counted by.
    """
    with snapshot(engine) as connection:
        return digest_in(connection, measures)


def digest_in(connection: Connection, measures: Measures) -> Digest:
    """Do what `digest` does inside the caller's transaction, which is to be a snapshot."""
    found = hashlib.sha256()
    dossiers = 0
    for code, encoded in connection.execute(_dossiers(connection)):
        found.update(f"{code}\0{len(encoded)}\0".encode() + encoded)
        dossiers += 1
    services = {number: "\0".join(texts) for number, *texts in connection.execute(_SERVICES)}
    lines = sorted(
        "\0".join(map(str, (day, services[service], *counts)))
        for day, service, *counts in connection.execute(_sums(measures))
        if any(counts)
    )
    for line in lines:
        found.update(line.encode() + b"\n")
    return Digest(dossiers, len(lines), found.hexdigest())


def _sums(measures: Measures) -> Select[Any]:
    """Select the sums of each day and service, of the measures that time does not change."""
    cells = day_cells(measures).table.c
    timeless = [func.sum(cells[m.name]) for m in measures.measures if not m.timed]
    return select(cells.day, cells.service, *timeless).group_by(cells.day, cells.service)


def _dossiers(connection: Connection) -> Select[Any]:
    """Select the dossiers, encoded, in the order of the codes' bytes."""
    code = DOSSIERS.c.code
    order = collate(code, "C") if connection.dialect.name == "postgresql" else code
    query = select(code, DOSSIERS.c.dossier).order_by(order)
    return query.execution_options(yield_per=_ROWS_AT_ONCE)
