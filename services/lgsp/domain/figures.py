"""The published figures of a scope and period, and their one document.

The percentage is rounded here and nowhere else: half up, one decimal, from integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp.domain.measures import Measures, Part
from lgsp.domain.period import Period, show_instant
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.reasons import Finding
from lgsp.domain.sources import Freshness
from lgsp.domain.trust import Trust


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


def counts_of(measures: Measures, sums: Mapping[str, int]) -> dict[str, int]:
    """Return every count of the document from the sums of the measures."""
    return {count.name: sum(sums[m] for m in count.measures) for count in measures.counts}


def rates_of(
    measures: Measures, sums: Mapping[str, int]
) -> dict[str, dict[str, int | float | None]]:
    """Return the rates with the integers behind them."""
    rates: dict[str, dict[str, int | float | None]] = {}
    for rate in measures.rates:
        n, d, excluded = (sum(sums[m] for m in measures.behind(rate.name, p)) for p in Part)
        rates[rate.name] = {
            "numerator": n,
            "denominator": d,
            "value": percent(n, d),
            "excluded": excluded,
        }
    return rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """The figures of a scope and period with everything needed to trust them.

    `sums` holds every measure of the profile; `as_of` is ms UTC; `backlog` is the number of events
    on the log that are not counted yet, None when that is not known.
    """

    profile: Profile
    period: Period
    scope: Scope
    as_of: int
    sums: Mapping[str, int]
    calendar_version: str
    trust: Trust
    findings: tuple[Finding, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    backlog: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the command and the feed."""
        return {
            "period": self.period.document(),
            "scope": self.scope.document(),
            "as_of": show_instant(self.as_of),
            "profile": self.profile.document(),
            "calendar": {"version": self.calendar_version},
            "trust": self.trust.value,
            "trust_reasons": [finding.english() for finding in self.findings],
            "trust_findings": [finding.document() for finding in self.findings],
            "freshness": [portal.document() for portal in self.freshness],
            "completeness": {"backlog": self.backlog},
            "counts": counts_of(self.profile.measures, self.sums),
            "rates": rates_of(self.profile.measures, self.sums),
        }
