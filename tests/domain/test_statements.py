"""A later word of the source wins: which statements of a dossier stand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import (
    Dossier,
    effective_transitions,
    judge_transitions,
    merge,
    merge_all,
)
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.status import Status, Verdict
from lgsp.runtime.calendar.vietnam import load_calendar

S = Status
HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_717_376_400_000  # 2024-06-03T01:00Z, 08:00 in Vietnam
CALENDAR = load_calendar()
CODE = "H37.12-240603-0001"


def said(  # one statement of one status
    status: Status,
    at: int,
    *,
    stated: int | None,
    portal: str = "p",
    due: int | None = None,
    finished: int | None = None,
    received: int | None = MONDAY,
    reopens: bool = False,
    removed: bool = False,
    row: int = 0,
    agency: str = "H37.12",
) -> DossierEvent:
    return with_id(
        DossierEvent(
            portal=portal,
            province="H37",
            dossier_code=CODE,
            agency=agency,
            status=status,
            reopens=reopens,
            occurred_at=at,
            observed_at=at,
            sequence=int(status),
            received_at=received,
            due_at=due,
            finished_at=finished,
            stated_at=stated,
            stated_row=row,
            removed=removed,
        )
    )


def dossier(*events: DossierEvent) -> Dossier:
    (only,) = merge_all(events).values()
    return only


def state(*events: DossierEvent, now: int = MONDAY + 60 * DAY) -> State:
    return SIMPLE.standing(dossier(*events), CALENDAR, now).state


def statuses(*events: DossierEvent) -> list[tuple[Status, int]]:
    taken = effective_transitions(dossier(*events), SIMPLE.statuses)
    return [(t.status, (t.occurred_at - MONDAY) // DAY) for t in taken]


RECEIVED = said(S.RECEIVED, MONDAY, stated=MONDAY + DAY)


def test_an_earlier_finish_stated_later_stands() -> None:
    due = MONDAY + 10 * DAY
    late = said(
        S.PROCESSED,
        MONDAY + 11 * DAY,
        stated=MONDAY + 12 * DAY,
        due=due,
        finished=MONDAY + 11 * DAY,
    )
    mended = said(
        S.PROCESSED, MONDAY + 9 * DAY, stated=MONDAY + 13 * DAY, due=due, finished=MONDAY + 9 * DAY
    )

    assert State.LATE is state(RECEIVED, late)
    assert State.EARLY is state(RECEIVED, late, mended) is state(mended, late, RECEIVED)
    assert [(S.RECEIVED, 0), (S.PROCESSED, 9)] == statuses(RECEIVED, late, mended)


def test_statuses_seen_in_between_stay_history() -> None:
    seen = said(S.PROCESSING, MONDAY + 2 * DAY, stated=MONDAY + 2 * DAY)
    again = said(S.RECEIVED, MONDAY + DAY, stated=MONDAY + 3 * DAY, received=MONDAY + DAY)

    assert [(S.RECEIVED, 1), (S.PROCESSING, 2)] == statuses(RECEIVED, seen, again)


def test_another_source_replaces_no_date() -> None:
    first = said(S.PROCESSED, MONDAY + 3 * DAY, stated=MONDAY + 4 * DAY, finished=MONDAY + 3 * DAY)
    other = said(
        S.PROCESSED,
        MONDAY + 2 * DAY,
        stated=MONDAY + 5 * DAY,
        finished=MONDAY + 2 * DAY,
        portal="q",
    )

    assert (S.PROCESSED, 3) in statuses(RECEIVED, first, other)


def test_what_is_replaced_is_kept_and_listed() -> None:
    first, mended = (
        said(
            S.PROCESSED, MONDAY + n * DAY, stated=MONDAY + (9 - n) * DAY, finished=MONDAY + n * DAY
        )
        for n in (3, 2)
    )
    judged = judge_transitions(dossier(RECEIVED, first, mended).transitions, SIMPLE.statuses)

    assert [(mended.event_id, Verdict.LEGAL), (first.event_id, Verdict.REPLACED)] == [
        (j.transition.event_id, j.verdict) for j in judged[1:]
    ]


def test_a_later_statement_writes_a_register_whatever_its_dates() -> None:
    early = said(S.PROCESSING, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY, agency="H37.1")
    later = said(S.RECEIVED, MONDAY, stated=MONDAY + 6 * DAY, agency="H37.2")

    assert "H37.2" == dossier(early, later).agency == dossier(later, early).agency


def test_of_two_rows_of_one_file_the_later_one_stands() -> None:
    rows = [
        said(S.RECEIVED, MONDAY, stated=MONDAY + DAY, agency=f"H37.{n}", row=n) for n in (1, 2, 3)
    ]

    assert "H37.3" == dossier(*rows).agency == dossier(*reversed(rows)).agency


def finished_after(*between: DossierEvent) -> State:
    due = MONDAY + 21 * DAY
    first = replace(RECEIVED, due_at=due)
    end = said(
        S.PROCESSED,
        MONDAY + 24 * DAY,
        stated=MONDAY + 25 * DAY,
        due=due,
        finished=MONDAY + 24 * DAY,
    )
    return state(with_id(first), *between, end)


def test_a_pause_whose_end_nobody_saw_is_not_counted() -> None:
    waits = said(S.SUPPLEMENT_REQUIRED, MONDAY + 9 * DAY, stated=MONDAY + 9 * DAY)
    goes_on = said(S.PROCESSING, MONDAY + 14 * DAY, stated=MONDAY + 14 * DAY)
    still = said(S.SUPPLEMENT_REQUIRED, MONDAY + 14 * DAY, stated=MONDAY + 14 * DAY)

    assert State.LATE is finished_after(waits)
    assert finished_after(waits, goes_on) in {State.ON_TIME, State.EARLY}
    assert finished_after(waits, still) in {State.ON_TIME, State.EARLY}


def test_a_dossier_that_its_source_no_longer_holds_leaves_the_figures_and_comes_back() -> None:
    removal = said(S.UNKNOWN, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY, removed=True)
    back = said(S.RECEIVED, MONDAY, stated=MONDAY + 6 * DAY, row=1)
    gone = dossier(RECEIVED, removal)
    found = SIMPLE.standing(gone, CALENDAR, MONDAY + 60 * DAY)

    assert State.REMOVED is found.state
    assert [] == SIMPLE.contribution(gone, CALENDAR, MONDAY + 60 * DAY)
    assert State.OPEN is state(RECEIVED, removal, back) is state(back, removal, RECEIVED)


def test_a_dossier_that_another_source_still_holds_is_not_removed() -> None:
    removal = said(S.UNKNOWN, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY, removed=True)
    other = said(S.PROCESSING, MONDAY + DAY, stated=MONDAY + DAY, portal="q")

    assert State.OPEN is state(RECEIVED, removal, other)


END = said(S.RESULT_RETURNED, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY, portal="old")
REOPENING = said(S.PROCESSING, MONDAY + 7 * DAY, stated=MONDAY + 7 * DAY, reopens=True)


@pytest.mark.parametrize(
    ("portal", "expected"), [("old", Verdict.REOPENED), ("new", Verdict.HELD)]
)
def test_only_the_source_that_ended_a_dossier_opens_it_again(
    portal: str, expected: Verdict
) -> None:
    again = with_id(replace(REOPENING, portal=portal))
    judged = judge_transitions(dossier(RECEIVED, END, again).transitions, SIMPLE.statuses)

    assert expected is judged[-1].verdict
    assert (expected is Verdict.REOPENED) == judged[-1].effective


def test_what_was_stated_before_the_end_was_known_opens_nothing() -> None:
    seen = said(
        S.PROCESSING, MONDAY + 6 * DAY, stated=MONDAY + 6 * DAY, reopens=True, portal="old"
    )
    end = with_id(replace(END, stated_at=MONDAY + 8 * DAY))

    assert (
        S.RESULT_RETURNED
        is effective_transitions(dossier(RECEIVED, seen, end), SIMPLE.statuses)[-1].status
    )


@pytest.mark.parametrize("hours", range(8))  # eight events of other ids
def test_an_end_stated_again_with_the_same_date_is_a_later_word_than_the_opening(
    hours: int,
) -> None:
    due, end = MONDAY + 9 * DAY, MONDAY + 5 * DAY

    def ended(status: Status, stated: int) -> DossierEvent:
        finish = end if status is S.PROCESSED else None
        return said(status, end, stated=stated, due=due + hours * HOUR, finished=finish)

    first, again = (ended(S.PROCESSED, MONDAY + n * DAY) for n in (6, 8))
    returned = ended(S.RESULT_RETURNED, MONDAY + 6 * DAY)
    opened = said(S.PROCESSING, MONDAY + 7 * DAY, stated=MONDAY + 7 * DAY, reopens=True)

    for events in ((RECEIVED, first, opened), (RECEIVED, first, returned, opened)):
        assert State.OPEN is state(*events)
        assert State.EARLY is state(*events, again)
        judged = judge_transitions(dossier(*events, again).transitions, SIMPLE.statuses)
        assert Verdict.REPLACED is judged[-1].verdict


@given(
    st.permutations(
        [
            RECEIVED,
            END,
            REOPENING,
            *[
                said(
                    S.PROCESSED,
                    MONDAY + n * DAY,
                    stated=MONDAY + (9 - n) * DAY,
                    finished=MONDAY + n * DAY,
                )
                for n in (2, 3, 4)
            ],
        ]
    )
)
def test_any_order_of_arrival_gives_the_same_dossier(order: list[DossierEvent]) -> None:
    ordered = merge_all([RECEIVED, END, REOPENING, *sorted(order, key=lambda e: e.event_id)])
    found: Dossier | None = None
    for event in [*order, *order]:
        found = merge(found, event)

    assert ordered[CODE] == found
