"""SQL behind the figures: sums of day cells over a scope and a period."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from lgsp.domain.codes import in_unit, is_province
from lgsp.domain.dossier import Dossier
from lgsp.domain.figures import Scope
from lgsp.domain.measures import Measure, Measures
from lgsp.domain.period import Period
from lgsp.store.rates.cells import day_cells
from lgsp.store.tables import DOSSIERS, OFFSETS

Sums = dict[str, int]
"""One exact integer for each measure, by name."""

SumsByName = dict[str, Sums]
"""Sums by row name; never changed once made."""

LANE = "rates"
_ANSWERS_KEPT = 256


def zero_sums(measures: Measures) -> Sums:
    """Return sums of no cells."""
    return dict.fromkeys(measures.names, 0)


def add_row(sums: Sums, row: Sequence[int | None]) -> None:
    """Add one selected row, in the order of the sums."""
    for measure, value in zip(sums, row, strict=True):
        sums[measure] += int(value or 0)


def grouped(measures: Measures, rows: Iterable[tuple[str, Sequence[int | None]]]) -> SumsByName:
    """Add up selected rows by name; names without any count are left out."""
    groups: SumsByName = defaultdict(lambda: zero_sums(measures))
    for name, row in rows:
        add_row(groups[name], row)
    return {name: sums for name, sums in sorted(groups.items()) if any(sums.values())}


class SumsCache:
    """Answers made since the rates worker's last transaction; may be shared between threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[str, SumsByName]] = OrderedDict()

    def get(
        self,
        connection: Connection,
        what: str,
        question: Hashable,
        make: Callable[[Connection], SumsByName],
    ) -> SumsByName:
        """Return the sums of `what` and `question`, made when the store has changed since."""
        marker = read_marker(connection)
        kept = self._kept.get((what, question))
        if kept is not None and kept[0] == marker:
            return kept[1]
        made = make(connection)
        self._kept[what, question] = (marker, made)
        while len(self._kept) > _ANSWERS_KEPT:
            self._kept.popitem(last=False)
        return made


def select_sums(
    measures: Measures, scope: Scope, period: Period, *by: ColumnElement[Any]
) -> Select[Any]:
    """Select the sums over the cells in question, grouped by the columns `by` of the cells."""
    cells = day_cells(measures).view.c
    where = list(_inside(cells.agency, cells.domain, cells.procedure, scope))
    if period.end_day is not None:
        where.append(cells.day < period.end_day)

    def total(measure: Measure) -> ColumnElement[int]:
        column: ColumnElement[int] = cells[measure.name]
        if not measure.stock and period.first_day is not None:
            column = case((cells.day >= period.first_day, column), else_=0)
        return func.sum(column)

    return select(*by, *[total(m) for m in measures.measures]).where(*where).group_by(*by)


def counts_in(period: Period, measure: Measure, day: int) -> bool:
    """Tell whether a unit of `measure` on `day` counts in the period: what `select_sums` asks."""
    if period.end_day is not None and day >= period.end_day:
        return False
    return period.first_day is None or measure.stock or day >= period.first_day


def in_scope(dossier: Dossier, scope: Scope) -> bool:
    """Tell whether the dossier's cells are in the scope."""
    return (
        (not scope.unit or in_unit(dossier.agency, scope.unit))
        and (not scope.domain or dossier.domain == scope.domain)
        and (not scope.procedure or dossier.procedure == scope.procedure)
    )


def read_marker(connection: Connection) -> str:
    """Return a text that changes with every transaction of the rates worker."""
    row = connection.execute(
        select(func.sum(OFFSETS.c.version), func.sum(OFFSETS.c.next_offset)).where(
            OFFSETS.c.lane == LANE
        )
    ).one()
    return f"{row[0] or 0}.{row[1] or 0}"


def count_unturned(connection: Connection, before: int) -> int:
    """Count the dossiers that should have been counted overdue before the instant (ms UTC)."""
    query = select(func.count()).select_from(DOSSIERS).where(DOSSIERS.c.wake_at <= before)
    return connection.execute(query).scalar_one()


def _inside(
    agency: ColumnElement[str],
    domain: ColumnElement[str],
    procedure: ColumnElement[str],
    scope: Scope,
) -> Iterator[ColumnElement[bool]]:
    """Give the conditions of the scope; the unit's is `in_unit` in SQL (LIKE ignores case)."""
    if unit := scope.unit:
        inside = (agency == unit) | (func.substr(agency, 1, len(unit) + 1) == f"{unit}.")
        if is_province(unit):
            inside |= func.substr(agency, func.length(agency) - len(unit)) == f".{unit}"
        yield inside
    if scope.domain:
        yield domain == scope.domain
    if scope.procedure:
        yield procedure == scope.procedure
