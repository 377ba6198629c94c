from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.codes import child_unit, in_unit
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.figures import Indicators, Scope, counts_of, percent, rates_of
from lgsp.domain.measures import Count, Part
from lgsp.domain.period import parse_period, show_instant
from lgsp.domain.profiles.registry import profile_named
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.sources import Freshness, Liveness
from lgsp.domain.trust import Trust, judge

MEASURES = SIMPLE.measures

# The province's published half-year.
PUBLISHED = dict.fromkeys(MEASURES.names, 0) | {
    "received_online": 168_014,
    "received_direct": 3_983,
    "resolved_early": 100_000,
    "resolved_on_time": 69_123,
    "resolved_late": 1_912,
}
counts = st.fixed_dictionaries({m: st.integers(0, 200_000) for m in MEASURES.names})


def test_the_published_figures_come_out() -> None:
    rates = rates_of(MEASURES, PUBLISHED)

    assert rates["filing_rate"] == {
        "numerator": 168014,
        "denominator": 171997,
        "value": 97.7,
        "excluded": 0,
    }
    assert rates["on_time_rate"] == {
        "numerator": 169123,
        "denominator": 171035,
        "value": 98.9,
        "excluded": 0,
    }


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_the_percentage_is_the_exact_quotient_rounded_half_up(n: int, d: int) -> None:
    tenths = Fraction(1000 * n, d) + Fraction(1, 2)

    assert (tenths.numerator // tenths.denominator) / 10 == percent(n, d)


def test_halves_go_up_and_nothing_is_divided_by_nothing() -> None:
    assert percent(1, 2000) == 0.1
    assert percent(9985, 10000) == 99.9
    assert percent(0, 0) is None


@given(counts)
def test_every_figure_is_the_sum_of_its_measures(sums: dict[str, int]) -> None:
    document = counts_of(MEASURES, sums)
    rates = rates_of(MEASURES, sums)

    assert MEASURES.figures == (*rates, *document)
    for name, count in document.items():
        assert count == sum(sums[m] for m in MEASURES.behind(name))
    for name, rate in rates.items():
        for part in Part:
            assert rate[part.value if part is Part.EXCLUDED else str(part)] == sum(
                sums[m] for m in MEASURES.behind(name, part)
            )
    assert document["received"] == rates["filing_rate"]["denominator"]
    assert document["resolved"] == rates["on_time_rate"]["denominator"]


def test_an_unknown_figure_part_or_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=", ".join(MEASURES.figures[:3])):
        MEASURES.behind("no_rate")
    with pytest.raises(ConfigurationError, match="'open' is a count"):
        MEASURES.behind("open", Part.DENOMINATOR)
    with pytest.raises(ConfigurationError, match="'qd' is none of"):
        profile_named("qd")


def test_the_document_has_the_published_shape() -> None:
    document = Indicators(
        profile=SIMPLE,
        period=parse_period("2024-H1"),
        scope=Scope("H37"),
        as_of=1_719_766_800_000,
        sums=PUBLISHED,
        calendar_version="vn-2026.1",
        trust=Trust.FULL,
    ).document()

    assert document["period"] == {"name": "2024-H1", "from": "2024-01-01", "to": "2024-06-30"}
    assert document["scope"] == {"unit": "H37"}
    assert document["as_of"] == "2024-06-30T17:00:00Z"
    assert document["profile"] == {"name": "simple", "version": "2"}
    assert document["calendar"] == {"version": "vn-2026.1"}
    assert tuple(document[k] for k in ("trust", "trust_reasons", "freshness")) == ("full", [], [])
    assert (document["counts"]["received"], document["counts"]["resolved"]) == (171_997, 171_035)


NOW = 1_719_766_800_000
MINUTE = 60_000


def test_what_is_missing_lowers_the_trust_and_is_named() -> None:
    some = {"filing_rate": 1, "on_time_rate": 1}

    def reasons(**given: Any) -> tuple[Trust, list[str]]:
        trust, found = judge(given.pop("denominators", some), **{"backlog": 0} | given)
        return trust, [finding.english() for finding in found]

    shorter = Finding(Reason.LOG_IS_SHORTER, detail="partition 3 ends at 4, 9 are counted")
    assert reasons() == (Trust.FULL, [])
    assert reasons(backlog=None) == (
        Trust.PROVISIONAL,
        ["the log does not answer: events on it may not be counted yet"],
    )
    assert reasons(backlog=7)[1] == ["7 events on the log are not counted yet"]
    assert reasons(backlog=None, findings=[shorter])[1] == [
        "the log ends before what was counted of it, or written to it"
        " (partition 3 ends at 4, 9 are counted)"
    ]
    assert 3 == len(reasons(backlog=7, unturned=2, findings=[shorter])[1])
    assert Trust.PROVISIONAL is reasons(denominators=some | {"on_time_rate": 0})[0]
    assert reasons(denominators=dict.fromkeys(some, 0)) == (
        Trust.INSUFFICIENT,
        ["filing_rate: the denominator is 0", "on_time_rate: the denominator is 0"],
    )


AGENCIES = ["H37", "H37.1", "H37.12", "H37.1.3", "000.00.12.H37", "H5", "H56.1", "000.00.12.H38"]


@pytest.mark.parametrize(
    ("unit", "inside"),
    [
        ("H37", ["H37", "H37.1", "H37.12", "H37.1.3", "000.00.12.H37"]),
        ("H37.1", ["H37.1", "H37.1.3"]),
        ("H5", ["H5"]),
        ("000.00.12.H37", ["000.00.12.H37"]),
    ],
)
def test_a_unit_contains_those_below_it(unit: str, inside: list[str]) -> None:
    assert inside == [agency for agency in AGENCIES if in_unit(agency, unit)]


@pytest.mark.parametrize("agency", AGENCIES)
def test_the_child_of_a_unit_contains_the_agency(agency: str) -> None:
    for unit in ("", *[u for u in AGENCIES if in_unit(agency, u)]):
        child = child_unit(agency, unit)

        assert in_unit(agency, child)
        assert not unit or in_unit(child, unit)


def test_freshness_is_published_with_its_state() -> None:
    found = Freshness("one", NOW - 25 * MINUTE, NOW - 20 * MINUTE, Liveness.SILENT, NOW)

    assert found.document() == {
        "portal": "one",
        "last_event_at": show_instant(NOW - 25 * MINUTE),
        "last_seen_at": show_instant(NOW - 20 * MINUTE),
        "level_at": show_instant(NOW),
        "state": "silent",
    }


def test_a_figure_of_a_measure_that_is_not_there_is_no_profile() -> None:
    with pytest.raises(ValueError, match="not there: \\['lost'\\]"):
        replace(SIMPLE.measures, counts=(Count("lost", "Mất", ("lost",)),))


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="profile 'qd766' is none of: simple"):
        profile_named("qd766")
    assert profile_named("simple").label == "simple/2"
