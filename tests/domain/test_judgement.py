"""Transitions as they are listed: each verdict with its reason, and what is told at a glance."""

from dataclasses import replace

import pytest
from hypothesis import given

from lgsp.domain.dossier import judge_transitions, merge, merge_all
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.judgement import BareTransition, listed, surely_effective
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import WITHOUT_EFFECT, Verdict
from tests.domain.events import event_sets
from tests.domain.test_statements import DAY, END, MONDAY, RECEIVED, REOPENING, S, dossier, said

OTHER_END = with_id(replace(END, portal="other"))
FINISH = said(S.PROCESSED, MONDAY + 2 * DAY, stated=MONDAY + 2 * DAY, finished=MONDAY + 2 * DAY)
EARLIER = said(S.PROCESSED, MONDAY + DAY, stated=MONDAY + 9 * DAY, finished=MONDAY + DAY)
BACK = said(S.PROCESSING, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY)
GONE = said(S.UNKNOWN, MONDAY + 6 * DAY, stated=MONDAY + 6 * DAY, removed=True)
UNMAPPED = with_id(
    replace(said(S.UNKNOWN, MONDAY + DAY, stated=MONDAY + DAY), source_status="đang luân chuyển")
)


@pytest.mark.parametrize(
    ("events", "at", "verdict", "words"),
    [
        ((RECEIVED, FINISH, BACK), -1, Verdict.ILLEGAL, "PROCESSING (4) does not follow PROCES"),
        ((RECEIVED, UNMAPPED), -1, Verdict.UNMAPPED, "mapped to no status"),
        ((RECEIVED, FINISH, EARLIER), -1, Verdict.REPLACED, "said otherwise later"),
        ((RECEIVED, OTHER_END, REOPENING), -1, Verdict.HELD, "another portal has ended"),
        ((RECEIVED, GONE), -1, Verdict.REMOVED, "no longer holds"),
        ((RECEIVED, FINISH), 0, Verdict.LEGAL, ""),
        ((RECEIVED, with_id(replace(END, portal="p")), REOPENING), -1, Verdict.REOPENED, "opened"),
    ],
)
def test_every_verdict_has_its_reason(
    events: tuple[DossierEvent, ...], at: int, verdict: Verdict, words: str
) -> None:
    one = dossier(*events)
    row = listed(one, judge_transitions(one.transitions, SIMPLE.statuses)[at])

    assert verdict is row.verdict
    assert words in row.reason
    assert bool(words) is bool(row.reason)


def test_the_portals_word_stands_at_the_transition_that_it_belongs_to() -> None:
    one = dossier(RECEIVED, UNMAPPED)
    first, last = (listed(one, j) for j in judge_transitions(one.transitions, SIMPLE.statuses))

    assert ("", "đang luân chuyển") == (first.source_status, last.source_status)
    assert last.document()["occurred_at"] == last.document()["stated_at"] == "2024-06-04T01:00:00Z"


@given(event_sets)
def test_a_glance_never_overlooks_a_transition_without_effect(found: list[DossierEvent]) -> None:
    for one in merge_all(found).values():
        judged = judge_transitions(one.transitions, SIMPLE.statuses)
        bare = [BareTransition(t.status, t.reopens, t.removed, t.dated) for t in one.transitions]
        if any(j.verdict in WITHOUT_EFFECT for j in judged):
            assert not surely_effective(bare, SIMPLE.statuses)


def test_a_glance_is_enough_for_a_usual_course() -> None:
    at = [MONDAY + n * DAY for n in range(5)]
    course = (S.REGISTERED, S.RECEIVED, S.PROCESSING, S.PROCESSED, S.RESULT_RETURNED)
    one = None
    for status, when in zip(course, at, strict=True):
        one = merge(one, said(status, when, stated=when, finished=at[3]))
    assert one is not None

    bare = [BareTransition(t.status, t.reopens, t.removed, t.dated) for t in one.transitions]
    assert surely_effective(bare, SIMPLE.statuses)
