"""The published figures: which measures make a count or a rate, and their one document.

The percentage is rounded here and nowhere else: half up, one decimal, from integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import Period, show_instant
from lgsp.domain.rates import MEASURES, PROFILE, PROFILE_VERSION
from lgsp.domain.trust import Freshness, Trust

STOCKS = frozenset({"open", "open_overdue", "suspended"})
"""Measures as of an instant: dossiers received before the period's end, whatever its start."""

PROFILES = {PROFILE: PROFILE_VERSION}

_RECEIVED = tuple(m for m in MEASURES if m.startswith("received_"))
_RESOLVED = tuple(m for m in MEASURES if m.startswith("resolved_"))

COUNTS: dict[str, tuple[str, ...]] = {
    "received": _RECEIVED,
    **{m: (m,) for m in _RECEIVED},
    "resolved": _RESOLVED,
    **{m: (m,) for m in _RESOLVED},
    **{m: (m,) for m in ("refused", "withdrawn", "open", "open_overdue", "suspended")},
}
"""Count -> the measures whose sum it is, in the order of the document."""


class Part(StrEnum):
    """The part of a rate that a list of dossiers explains; a count has a numerator only."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    EXCLUDED = "excluded"


RATES: dict[str, dict[Part, tuple[str, ...]]] = {
    "filing_rate": {
        Part.NUMERATOR: ("received_online",),
        Part.DENOMINATOR: _RECEIVED,
        Part.EXCLUDED: ("refused",),
    },
    "on_time_rate": {
        Part.NUMERATOR: tuple(m for m in _RESOLVED if m != "resolved_late"),
        Part.DENOMINATOR: _RESOLVED,
        Part.EXCLUDED: ("refused", "withdrawn"),
    },
}
"""Rate -> the measures of each part; excluded: ended in the period, yet outside the rate."""

FIGURES = (*RATES, *COUNTS)


def measures_of(figure: str, part: Part = Part.NUMERATOR) -> tuple[str, ...]:
    """Return the measures whose sum is the figure (or the part of the rate).

    Raises:
        ConfigurationError: no such figure, or a count was asked for a part it does not have.
    """
    if figure in RATES:
        return RATES[figure][part]
    if figure not in COUNTS:
        raise ConfigurationError(f"figure {figure!r} is none of: {', '.join(FIGURES)}")
    if part is not Part.NUMERATOR:
        raise ConfigurationError(f"figure {figure!r} is a count: it has no {part.value}")
    return COUNTS[figure]


def check_profile(name: str) -> None:
    """Raise ConfigurationError when there is no rule profile of that name."""
    if name not in PROFILES:
        raise ConfigurationError(f"profile {name!r} is none of: {', '.join(sorted(PROFILES))}")


def percent(numerator: int, denominator: int) -> float | None:
    """Return 100 n/d rounded half up to one decimal; None when the denominator is 0."""
    if denominator == 0:
        return None
    return (2000 * numerator + denominator) // (2 * denominator) / 10


@dataclass(frozen=True, slots=True)
class Scope:
    """What the figures are of; "" means all. A unit contains the units below it."""

    unit: str = ""
    domain: str = ""
    procedure: str = ""

    def document(self) -> dict[str, str]:
        """Return the parts that are set."""
        parts = {"unit": self.unit, "domain": self.domain, "procedure": self.procedure}
        return {name: value for name, value in parts.items() if value}


def counts_of(sums: Mapping[str, int]) -> dict[str, int]:
    """Return every count of the document from the sums of the measures."""
    return {name: sum(sums[m] for m in measures) for name, measures in COUNTS.items()}


def rates_of(sums: Mapping[str, int]) -> dict[str, dict[str, int | float | None]]:
    """Return both rates with the integers behind them."""
    rates: dict[str, dict[str, int | float | None]] = {}
    for name, parts in RATES.items():
        n, d, excluded = (sum(sums[m] for m in parts[part]) for part in Part)
        rates[name] = {
            "numerator": n,
            "denominator": d,
            "value": percent(n, d),
            "excluded": excluded,
        }
    return rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """The figures of a scope and period with everything needed to trust them.

    `sums` holds every one of MEASURES; `as_of` is ms UTC; `backlog` is the number of events on the
    log that are not counted yet, None when that is not known.
    """

    period: Period
    scope: Scope
    as_of: int
    sums: Mapping[str, int]
    calendar_version: str
    trust: Trust
    trust_reasons: tuple[str, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    backlog: int | None = None
    profile: str = field(default=PROFILE)

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the command and the feed."""
        return {
            "period": self.period.document(),
            "scope": self.scope.document(),
            "as_of": show_instant(self.as_of),
            "profile": {"name": self.profile, "version": PROFILES[self.profile]},
            "calendar": {"version": self.calendar_version},
            "trust": self.trust.value,
            "trust_reasons": list(self.trust_reasons),
            "freshness": [portal.document() for portal in self.freshness],
            "completeness": {"backlog": self.backlog},
            "counts": counts_of(self.sums),
            "rates": rates_of(self.sums),
        }
