"""One set of events, two profiles: each store, its figures and its lists are by its own rules."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.domain.profiles.by_date import BY_DATE
from tests.store.filled import CALENDAR, fill, wake
from tests.store.rates.history import DAY, NOW, START, history

from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import Channel
from lgsp.domain.measures import Count, DayCount, Measure, Measures, Part, Rate
from lgsp.domain.period import parse_period
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import RESOLVED, Standing
from lgsp.domain.working_time import day_of
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures, Question

EVENTS = history(random.Random(3), dossiers=120)
ALL = Question(parse_period("all"))


def first_day_only(found: Standing, _channel: Channel) -> list[DayCount]:
    """Count a received dossier, and again when it is resolved."""
    if found.received_at is None:
        return []
    day = day_of(found.received_at)
    return [DayCount(day, 0)] + [DayCount(day, 1)] * (found.state in RESOLVED)


OWN = replace(
    SIMPLE,
    name="own",
    measures=Measures(
        measures=(
            Measure("cohort", "received in the period"),
            Measure("cohort_resolved", "received in the period and resolved since"),
        ),
        counts=(Count("cohort", "Tiếp nhận trong kỳ", ("cohort",)),),
        rates=(
            Rate("resolution_rate", "Tỷ lệ giải quyết", ("cohort_resolved",), ("cohort",), ()),
        ),
        day_counts=first_day_only,
    ),
)
PROFILES = [SIMPLE, BY_DATE, OWN]


def figures(engine: Engine, profile: Profile, now: int = NOW) -> Figures:
    return Figures(engine, profile, CALENDAR, lambda: now)


def expected(profile: Profile) -> dict[str, int]:
    names = profile.measures.names
    found = Counter(
        names[count.measure]
        for one in merge_all(EVENTS).values()
        for count in profile.contribution(one, CALENDAR, NOW)
    )
    return {name: found[name] for name in names}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_figures_and_lists_are_by_the_profile(engine: Engine, profile: Profile) -> None:
    fill(engine, EVENTS, profile=profile)
    view, measures = figures(engine, profile), profile.measures
    found = view.indicators(ALL)
    units = view.by_unit(ALL)

    assert expected(profile) == found.sums
    assert profile.document() == found.document()["profile"]
    assert found.sums == {m: sum(sums[m] for sums in units.values()) for m in measures.names}
    parts = [(rate.name, part) for rate in measures.rates for part in Part]
    for figure, part in [*parts, *((count.name, Part.NUMERATOR) for count in measures.counts)]:
        behind = view.explain(figure, ALL, part)

        assert len(behind) == sum(found.sums[m] for m in measures.behind(figure, part))


def test_the_same_events_give_other_figures_by_another_rule(tmp_path: Path) -> None:
    sums = {}
    for profile in (SIMPLE, BY_DATE):
        engine = open_store(f"sqlite:///{tmp_path}/{profile.name}.db")
        fill(engine, EVENTS, profile=profile)
        view = figures(engine, profile)
        sums[profile.name] = view.indicators(ALL).sums
        late = {row.dossier for row in view.explain("resolved_late", ALL)}
        past = view.indicators(replace(ALL, as_of=START + 40 * DAY)).sums
        engine.dispose()
        assert len(late) == sums[profile.name]["resolved_late"]
        assert past != sums[profile.name]
    simple, by_date = sums["simple"], sums["by-date"]

    forgiven = simple["resolved_late"] - by_date["resolved_late"]
    assert 0 < forgiven < simple["resolved_late"]
    on_time = simple["resolved_on_time"] + forgiven
    changed = {"resolved_late": by_date["resolved_late"], "resolved_on_time": on_time}
    assert by_date == {**simple, **changed}


def test_an_open_dossier_turns_overdue_when_its_profile_says(tmp_path: Path) -> None:
    received = [e for e in EVENTS if e.status <= 4]
    due_at = max(e.due_at for e in received if e.due_at)
    overdue = {}
    for profile in (SIMPLE, BY_DATE):
        engine = open_store(f"sqlite:///{tmp_path}/{profile.name}.db")
        fill(engine, received, START, profile=profile)
        wake(engine, due_at + 1, profile)
        overdue[profile.name] = figures(engine, profile, due_at + 1).indicators(ALL).sums
        engine.dispose()

    assert overdue["simple"]["open"] == overdue["simple"]["open_overdue"]
    assert overdue["by-date"]["open_overdue"] < overdue["by-date"]["open"]


@pytest.mark.parametrize(
    "other", [BY_DATE, OWN, replace(SIMPLE, version="0")], ids=lambda p: p.label
)
def test_a_store_is_refused_to_another_profile_or_version_with_the_way_out(
    engine: Engine, other: Profile
) -> None:
    fill(engine, EVENTS[:10])
    before = figures(engine, SIMPLE).indicators(ALL).sums
    said = rf"counted by profile simple/2, not by profile {other.label}.*lgsp (rebuild|upgrade)"
    with pytest.raises(ConfigurationError, match=said):
        fill(engine, EVENTS[10:], profile=other)
    with pytest.raises(ConfigurationError, match=said):
        figures(engine, other).indicators(ALL)
    with pytest.raises(ConfigurationError, match=said):
        figures(engine, other).explain(other.measures.figures[0], ALL)

    assert before == figures(engine, SIMPLE).indicators(ALL).sums
