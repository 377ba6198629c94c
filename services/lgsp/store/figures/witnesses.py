"""Whether the day cells are the sum of the dossiers: two witnesses of one truth, by partition.

A store in which they differ was set back under a running worker, or written by somebody else; no
figure of it can be relied upon.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select

from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.store.engine import snapshot
from lgsp.store.rates.cells import day_cells
from lgsp.store.rates.layout import decode
from lgsp.store.tables import DOSSIERS

_ROWS_AT_ONCE = 500
Rest = Callable[[], bool]


class Disagreement(NamedTuple):
    """A measure of a partition that the cells count otherwise than the dossiers."""

    partition: int
    measure: str
    cells: int
    dossiers: int

    def __str__(self) -> str:
        """Say it in a message."""
        counts = f"{self.cells:,} in the cells, {self.dossiers:,} in the dossiers"
        return f"partition {self.partition}, {self.measure}: {counts}"


class StoppedError(Exception):
    """Told to stop before the end."""


def compare_quickly(engine: Engine, profile: Profile) -> list[Disagreement]:
    """Compare what the database itself can count; decodes no dossier.

    A dossier counts at most once in a measure and in the denominator of a rate; where one measure
    alone changes with time, it counts the dossiers that are marked overdue.

    Raises:
        SQLAlchemyError: the store cannot be read.
    """
    names, measures = profile.measures.names, profile.measures.measures
    whole: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in names]
    whole += [(rate.name, rate.denominator) for rate in profile.measures.rates]
    timed = [measure.name for measure in measures if measure.timed]
    found = []
    with snapshot(engine) as connection:
        sums = _sums_of_cells(connection, profile)
        counts = select(
            DOSSIERS.c.partition, func.count(), func.coalesce(func.sum(DOSSIERS.c.overdue), 0)
        ).group_by(DOSSIERS.c.partition)
        stored = {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(counts)}
    for partition in sorted(sums.keys() | stored.keys()):
        most, overdue = stored.get(partition, (0, 0))
        cells = dict(zip(names, sums.get(partition, [0] * len(names)), strict=True))
        for name, parts in whole:
            counted = sum(cells[part] for part in parts)
            if not 0 <= counted <= most:
                found.append(Disagreement(partition, name, counted, most))
        if len(timed) == 1 and cells[timed[0]] != overdue:
            found.append(Disagreement(partition, timed[0], cells[timed[0]], overdue))
    return found


def compare_exactly(
    engine: Engine, profile: Profile, calendar: Calendar, now: int, rest: Rest = lambda: True
) -> list[Disagreement]:
    """Count every dossier anew and compare each measure.

    Args:
        engine: the store.
        profile: that it was counted by.
        calendar: that it was counted by.
        now: ms UTC.
        rest: called every few hundred dossiers; False: stop.

    Raises:
        StoppedError: `rest` said so.
        CalendarRangeError: a dossier's date lies outside the calendar.
        SQLAlchemyError: the store cannot be read.
    """
    width = len(profile.measures.names)
    counted: dict[int, list[int]] = defaultdict(lambda: [0] * width)
    columns = (DOSSIERS.c.partition, DOSSIERS.c.code, DOSSIERS.c.overdue, DOSSIERS.c.dossier)
    query = select(*columns).execution_options(yield_per=_ROWS_AT_ONCE)
    with snapshot(engine) as connection, ExitStack() as opened:
        sums = _sums_of_cells(connection, profile)
        result = opened.enter_context(closing(connection.execute(query)))
        for rows in result.partitions():
            for partition, code, overdue, encoded in rows:
                dossier = decode(code, encoded)
                stands = profile.standing(dossier, calendar, now)
                stands = stands._replace(overdue=bool(overdue))  # as it was counted
                for _, measure in profile.measures.day_counts(stands, dossier.channel):
                    counted[partition][measure] += 1
            if not rest():
                raise StoppedError
    return _differences(profile.measures.names, sums, counted)


def _sums_of_cells(connection: Connection, profile: Profile) -> dict[int, list[int]]:
    cells = day_cells(profile.measures).table.c
    totals = [func.sum(cells[name]) for name in profile.measures.names]
    rows = connection.execute(select(cells.partition, *totals).group_by(cells.partition))
    return {partition: [int(count) for count in counts] for partition, *counts in rows}


def _differences(
    names: Sequence[str], cells: Mapping[int, Sequence[int]], dossiers: Mapping[int, Sequence[int]]
) -> list[Disagreement]:
    none = [0] * len(names)
    return [
        Disagreement(partition, name, in_cells, in_dossiers)
        for partition in sorted(cells.keys() | dossiers.keys())
        for name, in_cells, in_dossiers in zip(
            names, cells.get(partition, none), dossiers.get(partition, none), strict=True
        )
        if in_cells != in_dossiers
    ]
