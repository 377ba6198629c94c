"""The dossier is a join: order, duplication and batching of events change nothing."""

import random
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain import dossier as domain
from lgsp.domain.dossier import (
    MOST_PORTALS,
    MOST_TRANSITIONS,
    current_status,
    effective_transitions,
    judge_transitions,
    known_at,
    merge,
    merge_all,
)
from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status, Verdict
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.store.rates.layout import decode, encode
from tests.domain.events import event_sets, events, seen_again
from tests.national.dossiers import HOUR, START, step, steps

CALENDAR = load_calendar()


@given(event_sets, st.randoms(use_true_random=False))
def test_any_order_and_duplication_gives_the_same_bytes(
    found: list[DossierEvent], rnd: random.Random
) -> None:
    again = found + [seen_again(e, sealed=rnd.choice([None, b"zz", b"aa"])) for e in found]
    shuffled = again[:]
    rnd.shuffle(shuffled)

    assert {c: encode(d) for c, d in merge_all(again).items()} == {
        c: encode(d) for c, d in merge_all(shuffled).items()
    }


@given(st.lists(events(codes=("H37.1-240101-0001",)), min_size=3, max_size=3))
def test_merge_is_a_join_on_every_permutation(found: list[DossierEvent]) -> None:
    states = {tuple(merge_all(order).values()) for order in permutations(found)}

    assert len(states) == 1


@given(st.lists(events(codes=("H37.1-240101-0001",)), min_size=1, max_size=2), st.data())
def test_facts_that_share_an_id_are_joined_in_one_order(
    found: list[DossierEvent], data: st.DataObject
) -> None:
    """A producer may give one id to two facts: it costs nobody a worker."""
    due = st.sampled_from([None, found[0].occurred_at, found[0].occurred_at + 1])
    twins = [replace(found[0], due_at=data.draw(due)) for _ in range(2)]
    orders = list(permutations([*found, *twins]))
    whole = {tuple(t for d in merge_all(o).values() for t in d.transitions) for o in orders}

    assert len(whole) == 1
    for order in orders:
        for dossier in merge_all(order).values():
            assert decode(dossier.code, encode(dossier)) == dossier
            SIMPLE.standing(dossier, CALENDAR, found[0].occurred_at)


@given(event_sets)
def test_merging_a_known_event_returns_the_same_object(found: list[DossierEvent]) -> None:
    dossiers = merge_all(found)
    for event in found:
        dossier = dossiers[event.dossier_code]
        assert merge(dossier, event) is dossier


@given(event_sets)
def test_state_survives_the_store(found: list[DossierEvent]) -> None:
    for code, dossier in merge_all(found).items():
        assert decode(code, encode(dossier)) == dossier


@given(event_sets)
def test_every_transition_is_kept_and_judged(found: list[DossierEvent]) -> None:
    for dossier in merge_all(found).values():
        judged = judge_transitions(dossier.transitions, SIMPLE.statuses)

        assert [s.transition for s in judged] == list(dossier.transitions)
        assert [s.transition for s in judged if s.effective] == effective_transitions(
            dossier, SIMPLE.statuses
        )
        for s in judged:
            if s.transition.removed:
                assert s.verdict is Verdict.REMOVED
            else:
                assert (s.verdict is Verdict.UNMAPPED) == (s.transition.status is Status.UNKNOWN)


@given(event_sets)
def test_unknown_never_overwrites_what_is_known(found: list[DossierEvent]) -> None:
    dossiers = merge_all(found)
    for event in found:
        dossier = dossiers[event.dossier_code]
        for name in ("agency", "procedure", "domain", "channel", "due_at", "finished_at"):
            if getattr(event, name):
                assert getattr(dossier, name)


@given(event_sets)
def test_current_status_is_the_last_effective_one(found: list[DossierEvent]) -> None:
    for dossier in merge_all(found).values():
        taken = effective_transitions(dossier, SIMPLE.statuses)
        assert current_status(dossier, SIMPLE.statuses) == (
            taken[-1].status if taken else Status.UNKNOWN
        )


def test_a_dossier_has_a_bounded_number_of_transitions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_TRANSITIONS", "MOST_PORTALS"):
        monkeypatch.setattr(domain, name, 3)
    made = steps(1, 2, 4, 9)
    (full,) = merge_all(made[:3]).values()

    with pytest.raises(RejectedRecord, match="has 3 transitions, and no more"):
        merge(full, made[3])
    assert full is merge(full, made[1])


def test_a_dossier_has_a_bounded_number_of_portals() -> None:
    longest = "p" * (LONGEST_TEXT - 2)
    made = [step(n, 2, portal=f"{longest}{n:02}") for n in range(MOST_PORTALS + 1)]
    (full,) = merge_all(made[:-1]).values()

    with pytest.raises(RejectedRecord, match="by 64 portals, and no more are heard"):
        merge(full, made[-1])
    again = merge(full, step(99, 4, portal=made[0].portal))
    assert again == decode(again.code, encode(again))


def test_a_dossier_of_the_most_transitions_survives_the_store() -> None:
    (one,) = merge_all(steps(2)).values()
    (first,) = one.transitions
    course = tuple(
        first._replace(occurred_at=first.occurred_at + n) for n in range(MOST_TRANSITIONS)
    )
    most = replace(one, transitions=course, written=(course[-1],) * len(one.written))

    assert most == decode(one.code, encode(most))


def test_what_was_known_then_has_no_time_after_it() -> None:
    made = steps(2, 4, 9, received_at=START, due_at=START + 9 * HOUR)
    made[-1] = with_id(replace(made[-1], finished_at=made[-1].occurred_at))
    (now,) = merge_all(made).values()
    then = known_at(now, START + HOUR)

    assert then is not None
    assert [t.status for t in then.transitions] == [2, 4]
    assert (then.received_at, then.finished_at, then.due_at) == (START, None, START + 9 * HOUR)
    assert known_at(now, START + 2 * HOUR) == now
    assert known_at(now, START - 1) is None
