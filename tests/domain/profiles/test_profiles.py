"""Every profile: known by its name, whole in itself, and its standing turns when it says so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import effective_transitions, judge_transitions, merge_all
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import DossierEvent
from lgsp.domain.measures import Count
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.registry import PROFILES, known_figures, profile_named
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.status import Status, StatusSemantics
from lgsp.runtime.calendar.vietnam import load_calendar
from tests.domain.events import event_sets, instants
from tests.domain.profiles.by_date import BY_DATE
from tests.domain.profiles.semantics import semantics
from tests.domain.test_standing import R, S, at, dossier

CALENDAR = load_calendar()
ALL = [*PROFILES.values(), BY_DATE]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_known_by_its_own_name(name: str) -> None:
    found = profile_named(name)

    assert name == found.name
    assert f"{name}/{found.version}" == found.label
    assert {"name": name, "version": found.version} == found.document()
    assert set(found.measures.figures) <= set(known_figures())


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=f"'qd' is none of: {', '.join(sorted(PROFILES))}"
    ):
        profile_named("qd")


def test_a_figure_of_a_measure_that_is_not_there_cannot_be_made() -> None:
    strange = Count("strange", "lạ", ("no_measure",))
    with pytest.raises(ValueError, match="no_measure"):
        replace(SIMPLE.measures, counts=(strange,))


def test_semantics_name_what_may_follow_every_status() -> None:
    with pytest.raises(ValueError, match="next must name"):
        replace(SIMPLE.statuses, next={Status.RECEIVED: frozenset()})


@given(event_sets, instants, st.sampled_from(ALL))
def test_nothing_turns_overdue_before_the_instant_that_was_named(
    events: list[DossierEvent], now: int, profile: Profile
) -> None:
    for one in merge_all(events).values():
        stands = profile.standing(one, CALENDAR, now)
        if stands.turns_at is None:
            continue
        before = profile.standing(one, CALENDAR, stands.turns_at - 1)
        after = profile.standing(one, CALENDAR, stands.turns_at)

        assert now < stands.turns_at
        assert (stands.overdue, before.overdue) == (False, False)
        # A wait that still lies ahead moves the deadline on; then it is to be looked at again.
        assert after.overdue or (after.turns_at or 0) > stands.turns_at
        assert stands.state is before.state is after.state


@given(event_sets, instants)
def test_time_alone_changes_nothing_counted_but_the_overdue(
    events: list[DossierEvent], now: int
) -> None:
    later = now + 40 * 86_400_000
    for profile in ALL:
        for one in merge_all(events).values():
            then, since = (profile.standing(one, CALENDAR, t) for t in (now, later))
            count = profile.measures.day_counts

            assert count(then._replace(overdue=False), one.channel) == count(
                since._replace(overdue=False), one.channel
            )


@given(event_sets, semantics)
def test_the_table_of_effects_is_the_verdicts(
    events: list[DossierEvent], statuses: StatusSemantics
) -> None:
    for one in merge_all(events).values():
        judged = judge_transitions(one.transitions, statuses)

        assert [j.transition for j in judged if j.effective] == effective_transitions(
            one, statuses
        )


@pytest.mark.parametrize(
    ("finished", "simple", "by_date"),
    [
        ("01-11 23:59", State.EARLY, State.EARLY),
        ("01-12 17:00", State.ON_TIME, State.ON_TIME),
        ("01-12 17:01", State.LATE, State.ON_TIME),  # the same day, after the due time
        ("01-12 23:59", State.LATE, State.ON_TIME),
        ("01-13 00:00", State.LATE, State.LATE),
    ],
)
def test_a_second_profile_judges_the_same_dossier_by_its_own_rule(
    finished: str, simple: State, by_date: State
) -> None:
    found = dossier(R, (S.PROCESSED, finished, {}))
    now = at("06-30 00:00") or 0

    assert simple is SIMPLE.standing(found, CALENDAR, now).state
    assert by_date is BY_DATE.standing(found, CALENDAR, now).state


def test_an_open_dossier_turns_overdue_at_midnight_by_date() -> None:
    stands = BY_DATE.standing(dossier(R), CALENDAR, at("01-12 18:00") or 0)

    assert (stands.overdue, stands.turns_at) == (False, at("01-13 00:00"))
