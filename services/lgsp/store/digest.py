"""One hash over everything counted: equal event sets give equal digests, on any store."""

import hashlib
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from lgsp.domain.rates import MEASURES
from lgsp.store.engine import reading
from lgsp.store.tables import DAY_CELLS, DOSSIERS

# Whether an open dossier is overdue depends on the time of counting, not on the events alone.
_TIMELESS = tuple(name for name in MEASURES if name != "open_overdue")


class Digest(NamedTuple):
    """What a store holds, in a form to compare."""

    dossiers: int
    cells: int
    sha256: str


def digest(engine: Engine) -> Digest:
    """Hash every dossier's state and every non-zero day cell, partitions added up.

    Independent of partitions, batches, order and time of counting; `cells` counts the cells.
    """
    found = hashlib.sha256()
    dossiers = cells = 0
    states = select(DOSSIERS.c.code, DOSSIERS.c.state)
    key = (DAY_CELLS.c.day, DAY_CELLS.c.agency, DAY_CELLS.c.domain, DAY_CELLS.c.procedure)
    sums = [func.sum(DAY_CELLS.c[name]) for name in _TIMELESS]
    with reading(engine) as connection:
        # Sorted here: databases order texts by their own collation.
        rows = connection.execute(states).all()
        for code, state in sorted(rows, key=lambda row: row[0].encode()):
            found.update(f"{code}\0{len(state)}\0".encode())
            found.update(state)
            dossiers += 1
        counts = connection.execute(select(*key, *sums).group_by(*key)).all()
        for row in sorted(tuple(map(str, row)) for row in counts):
            if any(count != "0" for count in row[len(key) :]):
                found.update("\0".join(row).encode() + b"\n")
                cells += 1
    return Digest(dossiers, cells, found.hexdigest())
