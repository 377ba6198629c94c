"""What dossiers are counted as: measures, and the counts and rates that are made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import Channel
from lgsp.domain.standing import Standing


class DayCount(NamedTuple):
    """One unit added to one measure (an index into the names) of one day (days since 1970)."""

    day: int
    measure: int


class Part(StrEnum):
    """The part of a rate that a list of dossiers explains; a count has a numerator only."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Measure:
    """An exact count of a day cell.

    Attributes:
        name: the column, the published field.
        reason: why a dossier is counted so, in words.
        stock: as of an instant: dossiers received before a period's end, whatever its start.
        timed: changes as time passes, without an event.
        clocked: the deadline has a say in it.
    """

    name: str
    reason: str
    stock: bool = False
    timed: bool = False
    clocked: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """A published count: the sum of some measures; `label` is its Vietnamese name."""

    name: str
    label: str
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A published rate: quotient of two sums; `excluded` ended in the period, yet outside it."""

    name: str
    label: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    excluded: tuple[str, ...]


CountingRule = Callable[[Standing, Channel], list[DayCount]]
"""What a dossier that stands so, filed through the channel, adds to the day counts.

It may depend on the time of counting by `Standing.overdue` alone: that is what is stored."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Measures:
    """A profile's measures and the figures made of them; compared by identity.

    Attributes:
        measures: in the order of the cells' columns.
        counts: in the order of the document.
        rates: in the order of the document.
        day_counts: what a dossier adds.
        names: of the measures.
        figures: names of rates and counts, in the order of the document.
        labels: figure -> its Vietnamese name.
    """

    measures: tuple[Measure, ...]
    counts: tuple[Count, ...]
    rates: tuple[Rate, ...]
    day_counts: CountingRule
    names: tuple[str, ...] = field(init=False)
    figures: tuple[str, ...] = field(init=False)
    labels: Mapping[str, str] = field(init=False)
    _parts: Mapping[str, Mapping[Part, tuple[str, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the look-ups; ValueError when a figure names a measure that is not there."""
        parts = {count.name: {Part.NUMERATOR: count.measures} for count in self.counts}
        parts |= {rate.name: {part: getattr(rate, part) for part in Part} for rate in self.rates}
        names = tuple(measure.name for measure in self.measures)
        used = {m for figure in parts.values() for part in figure.values() for m in part}
        if strange := used - set(names):
            raise ValueError(f"figures of measures that are not there: {sorted(strange)}")
        figures: tuple[Rate | Count, ...] = (*self.rates, *self.counts)
        derived = {
            "names": names,
            "figures": tuple(figure.name for figure in figures),
            "labels": {figure.name: figure.label for figure in figures},
            "_parts": parts,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def behind(self, figure: str, part: Part = Part.NUMERATOR) -> tuple[str, ...]:
        """Return the measures whose sum is the figure (or the part of the rate).

        Raises:
            ConfigurationError: no such figure, or a count was asked for a part it does not have.
        """
        if figure not in self._parts:
            raise ConfigurationError(f"figure {figure!r} is none of: {', '.join(self.figures)}")
        if part not in self._parts[figure]:
            raise ConfigurationError(f"figure {figure!r} is a count: it has no {part.value}")
        return self._parts[figure][part]
