"""The months of a period: each of them, those without anything too, and what lies before."""

from typing import NamedTuple

from lgsp.domain.measures import Measures
from lgsp.domain.period import Period, month_of, months_between
from lgsp.store.figures.sums import SumsByName, zero_sums

_MOST = 120  # months of a period that are shown before and after those with anything in them


class Months(NamedTuple):
    """The sums of each month, and `earlier`: of dossiers received before the period, still open.

    Together they are the figures of the period.
    """

    rows: SumsByName
    earlier: dict[str, int]


def months_of(period: Period, counted: SumsByName, measures: Measures) -> Months:
    """Give each month of the period its sums; of `all`, from the first to the last counted.

    Of a period of more than ten years, too: a chart of centuries shows nothing.

    Args:
        period: the one that `counted` is of.
        counted: months with anything in them; before the period only dossiers still open.
        measures: those of the sums.
    """
    first = "" if period.first_day is None else month_of(period.first_day)
    earlier = zero_sums(measures)
    inside = {}
    for month, sums in counted.items():
        if month >= first:
            inside[month] = sums
        else:
            earlier = {name: earlier[name] + sums[name] for name in earlier}
    listed: list[str] = []
    if period.first_day is not None and period.end_day is not None:
        listed = months_between(first, month_of(period.end_day - 1))
    if inside and not 0 < len(listed) <= _MOST:
        listed = months_between(min(inside), max(inside))
    elif not inside and len(listed) > _MOST:
        listed = []
    zero = zero_sums(measures)
    return Months({month: inside.get(month, zero) for month in listed}, earlier)
