"""One hash over everything counted: equal event sets give equal digests, on any store."""

import hashlib
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, collate, func, select

from lgsp.domain.rates import MEASURES
from lgsp.store.engine import reading
from lgsp.store.tables import CELLS, DOSSIERS, SERVICES

# Whether an open dossier is overdue depends on the time of counting, not on the events alone.
_TIMELESS = tuple(name for name in MEASURES if name != "open_overdue")
_SERVICES = select(SERVICES.c.id, SERVICES.c.agency, SERVICES.c.domain, SERVICES.c.procedure)
_SUMS = select(
    CELLS.c.day, CELLS.c.service, *[func.sum(CELLS.c[name]) for name in _TIMELESS]
).group_by(CELLS.c.day, CELLS.c.service)
_LINE = "\0".join(["%s"] * (2 + len(_TIMELESS)))  # day, service, counts
_ROWS_AT_ONCE = 5000


class Digest(NamedTuple):
    """What a store holds, in a form to compare."""

    dossiers: int
    cells: int
    sha256: str


def digest(engine: Engine) -> Digest:
    """Hash every dossier as stored and every non-zero day cell, partitions added up.

    Independent of partitions, batches, order and time of counting; `cells` counts the cells.
    """
    found = hashlib.sha256()
    dossiers = 0
    with reading(engine) as connection:
        for code, encoded in connection.execute(_dossiers(connection)):
            found.update(f"{code}\0{len(encoded)}\0".encode() + encoded)
            dossiers += 1
        services = {number: "\0".join(texts) for number, *texts in connection.execute(_SERVICES)}
        lines = sorted(
            _LINE % (day, services[service], *counts)
            for day, service, *counts in connection.execute(_SUMS)
            if any(counts)
        )
    for line in lines:
        found.update(line.encode() + b"\n")
    return Digest(dossiers, len(lines), found.hexdigest())


def _dossiers(connection: Connection) -> Select[Any]:
    """Select the dossiers, encoded, in the order of the codes' bytes."""
    code = DOSSIERS.c.code
    order = collate(code, "C") if connection.dialect.name == "postgresql" else code
    query = select(code, DOSSIERS.c.dossier).order_by(order)
    return query.execution_options(yield_per=_ROWS_AT_ONCE)
