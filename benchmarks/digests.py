"""The digests by which contenders are compared: lgsp.store.rates.digest, over plain dicts.

`cells` covers the day counts alone, for a contender that lays out its dossiers in its own way.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.rates.cells import day_cells
from lgsp.store.rates.digest import digest

Key = tuple[int, str, str, str]
"""Day (days since 1970), agency, domain, procedure."""
Counts = dict[Key, list[int]]
"""One integer for each measure."""

# Whether an open dossier is overdue depends on the time of counting: no part of a digest.
TIMELESS = tuple(i for i, measure in enumerate(SIMPLE.measures.measures) if not measure.timed)


class Digests(NamedTuple):
    """What a contender ended with; `whole` is None where its dossiers are not laid out as ours."""

    dossiers: int
    cells: str
    whole: str | None = None


def cell_lines(counts: Mapping[Key, list[int]]) -> list[bytes]:
    """Return one line for each cell that is not zero, in the digest's order."""
    rows = (
        tuple(map(str, (*key, *(numbers[i] for i in TIMELESS))))
        for key, numbers in counts.items()
        if any(numbers[i] for i in TIMELESS)
    )
    return ["\0".join(row).encode() + b"\n" for row in sorted(rows)]


def sha256(pieces: Iterable[bytes]) -> str:
    """Hash the pieces one after another."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def digests_of(encoded: Mapping[str, bytes], counts: Counts) -> Digests:
    """Hash encoded dossiers by code, and counts."""
    lines = cell_lines(counts)
    whole = hashlib.sha256()
    for code in sorted(encoded, key=str.encode):
        whole.update(f"{code}\0{len(encoded[code])}\0".encode())
        whole.update(encoded[code])
    whole.update(b"".join(lines))
    return Digests(len(encoded), sha256(lines), whole.hexdigest())


def digests_in(store: Engine) -> Digests:
    """Hash what our store holds."""
    cells, measures = day_cells(SIMPLE.measures).view.c, SIMPLE.measures
    key = (cells.day, cells.agency, cells.domain, cells.procedure)
    query = select(*key, *[func.sum(cells[name]) for name in measures.names]).group_by(*key)
    with store.connect() as connection:
        counts: Counts = {
            (row[0], row[1], row[2], row[3]): [int(number) for number in row[4:]]
            for row in connection.execute(query)
        }
    found = digest(store, measures)
    return Digests(found.dossiers, sha256(cell_lines(counts)), found.sha256)
