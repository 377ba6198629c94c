"""Figures from the store: what the cells say, the list behind it, and past instants, agree."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update
from tests.domain.events import event_sets
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import DAY, NOW, START, history

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.figures import Scope, counts_of
from lgsp.domain.measures import Part
from lgsp.domain.period import Period, parse_period
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import Reason
from lgsp.domain.trust import LogView, Trust
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures, Question
from lgsp.store.figures.witnesses import compare_exactly, compare_quickly
from lgsp.store.rates.counted_by import claim
from lgsp.store.tables import PORTALS

EVENTS = history(random.Random(3), dossiers=90)
ALL = parse_period("all")
PERIODS = [parse_period(p) for p in ("all", "2024", "2024-Q1", "2024-02", "2024-03-05..2024-04")]
SCOPES = [
    Scope(),
    Scope("H37"),
    Scope("H37.2"),
    Scope("H3"),
    Scope(domain="G01-AA01"),
    Scope("H37.1", procedure="1.000001"),
]
MEASURES = SIMPLE.measures
COUNTS = [count.name for count in MEASURES.counts]
FIGURES = [(name, Part.NUMERATOR) for name in COUNTS] + [
    (rate.name, part) for rate in MEASURES.rates for part in Part
]


def figures(engine: Engine, now: int = NOW) -> Figures:
    return Figures(engine, SIMPLE, CALENDAR, lambda: now)


def test_the_figures_are_the_sum_of_the_dossiers(engine: Engine) -> None:
    fill(engine, EVENTS)
    expected = dict.fromkeys(MEASURES.names, 0)
    for dossier in merge_all(EVENTS).values():
        for unit in SIMPLE.contribution(dossier, CALENDAR, NOW):
            expected[MEASURES.names[unit.measure]] += 1

    found = figures(engine).indicators(Question(ALL))

    assert expected == found.sums
    assert all(expected[m] for m in ("open_overdue", "suspended", "refused", "withdrawn"))


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("as_of", [None, START + 40 * DAY])
def test_every_list_is_as_long_as_its_figure_says(
    sqlite: Engine, scope: Scope, as_of: int | None
) -> None:
    for period in PERIODS[::2]:
        question = Question(period, scope, as_of)
        sums = figures(sqlite).indicators(question).sums
        for figure, part in FIGURES:
            behind = figures(sqlite).explain(figure, question, part)

            assert sum(sums[m] for m in MEASURES.behind(figure, part)) == len(behind)
            assert len({row.dossier for row in behind}) == len(behind)


@given(event_sets, st.sampled_from(PERIODS), st.sampled_from(SCOPES))
def test_any_history_is_explained_in_full(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[DossierEvent],
    period: Period,
    scope: Scope,
) -> None:
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('any') / 'store.db'}")
    fill(engine, events)
    question = Question(period, scope)
    counts = counts_of(MEASURES, figures(engine).indicators(question).sums)
    lengths = {c: len(figures(engine).explain(c, question)) for c in COUNTS}
    differing = compare_quickly(engine, SIMPLE) + compare_exactly(engine, SIMPLE, CALENDAR, NOW)
    engine.dispose()

    assert counts == lengths
    assert differing == []


def test_the_past_is_what_the_figures_were_then(engine: Engine) -> None:
    then = START + 40 * DAY
    known = [e for e in EVENTS if e.occurred_at <= then]
    fill(engine, known, then)
    was = figures(engine, then).indicators(Question(ALL))
    rest = [e for e in EVENTS if e.occurred_at > then]
    fill(engine, rest)

    is_now = figures(engine).indicators(Question(ALL))
    seen_now = figures(engine).indicators(Question(ALL, as_of=then))

    assert was.sums == seen_now.sums
    assert was.sums != is_now.sums


def test_units_and_months_add_up(engine: Engine) -> None:
    fill(engine, EVENTS)
    answers = figures(engine)
    for period in PERIODS:
        whole = answers.indicators(Question(period, Scope("H37"))).sums
        by_unit = answers.by_unit(Question(period, Scope("H37")))
        by_month = answers.by_month(Question(period, Scope("H37")))

        assert list(by_unit) == ["H37.1", "H37.2", "H37.3"]
        for rows in (by_unit, by_month):
            assert whole == {m: sum(sums[m] for sums in rows.values()) for m in MEASURES.names}


def test_a_province_contains_its_old_form_agencies(engine: Engine) -> None:
    agencies = {"000.00.12.H37", "H37.1", "H3.7", "H371.1", "h37.1", "000.00.12.H38"}
    events = [
        with_id(replace(e, dossier_code=f"{e.dossier_code}-{i}", agency=agency))
        for i, agency in enumerate(sorted(agencies))
        for e in history(random.Random(5), dossiers=3)
    ]
    fill(engine, events)

    inside = figures(engine).by_unit(Question(ALL, Scope("H37")))

    assert {"000.00.12.H37", "H37.1"} == set(inside)


def test_pages_of_a_list_are_the_list(sqlite: Engine) -> None:
    question = Question(ALL)
    whole = figures(sqlite).explain("received", question)
    paged = []
    after = ""
    while rows := figures(sqlite).explain("received", question, after=after, limit=7):
        paged += rows
        after = rows[-1].dossier

    assert whole == paged
    assert len(whole) > 7


def test_a_change_is_seen_although_sums_are_kept(engine: Engine) -> None:
    half = len(EVENTS) // 2
    fill(engine, EVENTS[:half])
    answers = figures(engine)
    before, marker = answers.indicators(Question(ALL)), answers.marker()
    fill(engine, EVENTS[half:])

    assert before.sums != answers.indicators(Question(ALL)).sums
    assert marker != answers.marker()


def trusted(engine: Engine, now: int, log: LogView) -> tuple[Trust, set[Reason]]:
    answers = Figures(engine, SIMPLE, CALENDAR, lambda: now, log=lambda: log)
    found = answers.indicators(Question(ALL))
    assert found.document()["completeness"]["backlog"] == log.backlog
    return found.trust, {finding.reason for finding in found.findings}


def test_trust_follows_portals_backlog_and_late_deadlines(engine: Engine) -> None:
    fill(engine, EVENTS, START)  # the worker stopped there: deadlines have passed since
    later = max(e.observed_at for e in EVENTS) + DAY // 2
    level = LogView(START, 0, (ConnectorStatus("twin", START, START, {}, poll=1000),))

    assert trusted(engine, START, level) == (Trust.FULL, set())
    assert trusted(engine, START, level._replace(backlog=3))[1] == {Reason.BACKLOG}
    assert trusted(engine, later, level._replace(at=later)) == (
        Trust.PROVISIONAL,
        {Reason.CONNECTOR_DEAD, Reason.UNTURNED},
    )
    assert trusted(engine, START, level._replace(statuses=()))[1] == {Reason.PORTAL_UNWATCHED}


def test_connectors_are_judged_as_of_the_last_look_at_the_log(engine: Engine) -> None:
    fill(engine, EVENTS)
    level = LogView(NOW, None, (ConnectorStatus("twin", NOW, NOW, {}, poll=1000),))

    away = trusted(engine, NOW + DAY, level)
    never = Figures(engine, SIMPLE, CALENDAR, lambda: NOW).indicators(Question(ALL))

    assert Reason.LOG_UNREACHABLE in away[1]
    assert Reason.CONNECTOR_DEAD not in away[1]
    assert [Reason.STATUS_UNKNOWN, Reason.LOG_UNREACHABLE] == [f.reason for f in never.findings]


def test_a_time_beyond_all_years_is_not_known_and_stops_no_answer(engine: Engine) -> None:
    fill(engine, EVENTS)
    with engine.begin() as connection:
        connection.execute(update(PORTALS).values(last_event_at=2**62, last_seen_at=-(2**62)))

    found = figures(engine).indicators(Question(ALL)).document()

    (portal,) = found["freshness"]
    assert (portal["last_event_at"], portal["last_seen_at"]) == (None, None)
    assert portal["state"] == "down"


def test_nothing_counted_is_insufficient_and_not_zero_percent(engine: Engine) -> None:
    claim(engine, SIMPLE)
    found = figures(engine).indicators(Question(ALL))

    assert found.trust is Trust.INSUFFICIENT
    assert {None} == {rate["value"] for rate in found.document()["rates"].values()}


def test_a_future_instant_and_an_absent_store_are_refused(
    engine: Engine, tmp_path: object
) -> None:
    with pytest.raises(ConfigurationError, match="lies in the future"):
        figures(engine).indicators(Question(ALL, as_of=NOW + 1))
    absent = open_store(f"sqlite:///{tmp_path}/absent.db", read_only=True)
    with pytest.raises(RetryableError, match=r"absent\.db cannot be read"):
        figures(absent).indicators(Question(ALL))
    absent.dispose()


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A filled store that no test changes."""
    opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'store.db'}")
    fill(opened, EVENTS)
    return opened
