"""What a source showed before it said how the dossier had ended opens nothing again."""

import random
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import Dossier, effective_transitions, judge_transitions, merge_all
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.status import WITHOUT_EFFECT, Status, StatusSemantics, Verdict
from lgsp.store.rates.layout import encode
from tests.domain.events import event_sets
from tests.domain.profiles.semantics import semantics
from tests.domain.test_statements import DAY, MONDAY, RECEIVED, S, dossier, said, state

END, SEEN, TOLD = MONDAY + 8 * DAY, MONDAY + 10 * DAY, MONDAY + 12 * DAY
"""The dossier ended on day 8, was shown as open on day 10, and its end was told on day 12."""
CLOSED = {S.WITHDRAWN: State.WITHDRAWN, S.STOPPED: State.WITHOUT_DEADLINE}
CLOSED |= dict.fromkeys((S.PROCESSED, S.RESULT_RETURNED), State.WITHOUT_DEADLINE)
OPEN = (S.PROCESSING, S.SUPPLEMENT_REQUIRED, S.PAYMENT_REQUIRED, S.RECEIVED)


def ended(status: Status, *, stated: int = TOLD, at: int = END, portal: str = "p") -> DossierEvent:
    returned = at if status is S.RESULT_RETURNED else None
    event = said(status, at, stated=stated, finished=at, portal=portal)
    return with_id(replace(event, returned_at=returned))


def seen(
    status: Status, at: int = SEEN, *, reopens: bool = True, portal: str = "p"
) -> DossierEvent:
    return said(status, at, stated=at, reopens=reopens, portal=portal)


def verdicts(*events: DossierEvent) -> list[tuple[Status, Verdict]]:
    judged = judge_transitions(dossier(*events).transitions, SIMPLE.statuses)
    return [(j.transition.status, j.verdict) for j in judged]


def last(one: Dossier, statuses: StatusSemantics = SIMPLE.statuses) -> Status:
    return effective_transitions(one, statuses)[-1].status


@pytest.mark.parametrize("reopens", [False, True])
@pytest.mark.parametrize("observed", OPEN)
@pytest.mark.parametrize("end", CLOSED)
def test_an_end_told_later_stands_over_what_was_observed(
    end: Status, observed: Status, *, reopens: bool
) -> None:
    events = (RECEIVED, seen(observed, reopens=reopens), ended(end))

    assert CLOSED[end] is state(*events)
    assert end is last(dossier(*events))
    assert verdicts(*events)[-1][1] in WITHOUT_EFFECT


@pytest.mark.parametrize("observed", OPEN)
def test_what_was_observed_is_listed_as_replaced(observed: Status) -> None:
    events = (RECEIVED, seen(observed), ended(S.WITHDRAWN))

    assert [
        (S.RECEIVED, Verdict.LEGAL),
        (S.WITHDRAWN, Verdict.LEGAL),
        (observed, Verdict.REPLACED),
    ] == verdicts(*events)


def test_a_refusal_told_later_stands_over_what_was_observed() -> None:
    filed = said(S.REGISTERED, MONDAY, stated=MONDAY, received=None)
    refused = with_id(replace(ended(S.REFUSED), received_at=None))

    assert State.REFUSED is state(filed, refused, seen(S.PROCESSING))


def test_a_later_word_that_shows_it_open_opens_it_again() -> None:
    again = seen(S.PROCESSING, MONDAY + 14 * DAY)

    for end in CLOSED:
        events = (RECEIVED, seen(S.PROCESSING), ended(end), again)
        assert State.OPEN is state(*events)
        assert [Verdict.REPLACED, verdicts(RECEIVED, ended(end), again)[-1][1]] == [
            verdict for _, verdict in verdicts(*events)[-2:]
        ]


def test_an_end_without_a_date_of_its_own_stands_too() -> None:
    """A row that says "withdrawn" and no date: it stands at the latest date of the row."""
    withdrawn = said(S.WITHDRAWN, MONDAY, stated=TOLD)

    assert State.WITHDRAWN is state(RECEIVED, seen(S.PROCESSING), withdrawn)


def test_a_pause_that_is_no_longer_shown_is_history_too() -> None:
    waits = seen(S.SUPPLEMENT_REQUIRED)
    shown_then = seen(S.SUPPLEMENT_REQUIRED, MONDAY + 11 * DAY, reopens=False)

    assert State.WITHDRAWN is state(RECEIVED, waits, shown_then, ended(S.WITHDRAWN))


def test_the_last_word_stands_where_the_end_was_told_twice() -> None:
    first, again = ended(S.WITHDRAWN, stated=END), ended(S.WITHDRAWN)

    assert State.OPEN is state(RECEIVED, first, seen(S.PROCESSING))
    assert State.WITHDRAWN is state(RECEIVED, first, seen(S.PROCESSING), again)


def test_the_latest_word_of_several_ends_counts() -> None:
    stopped = said(S.STOPPED, MONDAY + 9 * DAY, stated=MONDAY + 9 * DAY)
    events = (RECEIVED, ended(S.WITHDRAWN), stopped, seen(S.PROCESSING))

    assert S.STOPPED is last(dossier(*events))


def test_an_end_that_could_not_follow_is_a_word_all_the_same() -> None:
    """A finish dated behind the return, and stated after the row that showed the dossier open."""
    returned = said(S.RESULT_RETURNED, END, stated=END)
    finish = ended(S.PROCESSED, at=MONDAY + 9 * DAY)
    events = (RECEIVED, returned, finish, seen(S.PROCESSING))

    assert [Verdict.ILLEGAL, Verdict.REPLACED] == [verdict for _, verdict in verdicts(*events)[2:]]
    assert S.RESULT_RETURNED is last(dossier(*events))


def test_a_return_seen_before_the_finish_was_mended_takes_effect() -> None:
    returned = said(S.RESULT_RETURNED, SEEN, stated=SEEN)

    assert S.RESULT_RETURNED is last(dossier(RECEIVED, ended(S.PROCESSED), returned))


def test_the_word_of_another_source_makes_nothing_history() -> None:
    other = seen(S.PROCESSING, portal="q")

    assert State.OPEN is state(RECEIVED, ended(S.WITHDRAWN), other)
    assert Verdict.HELD is verdicts(RECEIVED, ended(S.PROCESSED), other)[-1][1]
    assert Verdict.LEGAL is verdicts(RECEIVED, ended(S.WITHDRAWN), other)[-1][1]


def test_no_order_of_arrival_and_no_repetition_changes_the_outcome() -> None:
    waits = seen(S.SUPPLEMENT_REQUIRED, MONDAY + 11 * DAY)
    events = (RECEIVED, seen(S.PROCESSING), ended(S.WITHDRAWN), waits)
    found = {
        encode(dossier(*order, *repeated))
        for order in permutations(events)
        for repeated in ((), order[:2], order)
    }

    assert 1 == len(found)
    assert S.WITHDRAWN is last(dossier(*events))


def test_of_two_words_of_one_instant_and_row_one_stands_in_every_order() -> None:
    """Nothing orders them: which one stands is the same for everybody, and no more is promised."""
    shown_as = [
        said(status, END, stated=TOLD, due=MONDAY + n * DAY, agency=f"H37.{n}", row=7)
        for n, status in enumerate((S.PROCESSING, S.WITHDRAWN, S.PROCESSING, S.WITHDRAWN), 1)
    ]
    found = {encode(dossier(*order)) for order in permutations((RECEIVED, *shown_as))}

    assert 1 == len(found)


Row = tuple[Status, int]
rows = st.lists(
    st.tuples(st.sampled_from((*OPEN, S.WITHDRAWN)), st.integers(0, 6)), min_size=1, max_size=8
)
"""Nightly rows of one dossier: the status shown, and how many days ago a withdrawal was."""


def shown(night: int, row: Row) -> DossierEvent:
    """What a row of the night says of the status."""
    status, ago = row
    stated = MONDAY + (10 + night) * DAY
    if status is S.WITHDRAWN:
        return ended(status, stated=stated, at=stated - ago * DAY)
    return seen(status, stated)


@given(rows, st.randoms(use_true_random=False))
def test_a_dossier_stands_as_its_source_showed_it_last(
    nights: list[Row], rnd: random.Random
) -> None:
    events = [RECEIVED, *[shown(night, row) for night, row in enumerate(nights)]]
    rnd.shuffle(events)

    withdrawn = nights[-1][0] is S.WITHDRAWN
    assert withdrawn is (state(*events) is State.WITHDRAWN)


@given(event_sets, semantics)
def test_a_source_whose_last_word_closed_the_dossier_did_not_open_it_again(
    events: list[DossierEvent], statuses: StatusSemantics
) -> None:
    alone = [with_id(replace(event, portal="one")) for event in events]
    for one in merge_all(alone).values():
        taken = effective_transitions(one, statuses)
        latest = max(one.transitions, key=lambda t: t.statement)
        if latest in taken and statuses.closes[latest.status]:
            assert statuses.closes[taken[-1].status]
