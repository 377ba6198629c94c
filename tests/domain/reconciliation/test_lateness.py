"""Lateness of either side by the one rule of the profile: hand-worked cases, and a property."""

from dataclasses import replace

import pytest
from hypothesis import given

from lgsp.domain.dossier import Dossier, effective_transitions, merge_all
from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reconciliation.lateness import is_late, received_late, reception_deadline
from lgsp.domain.reconciliation.shown import late_there
from lgsp.domain.reconciliation.sides import Moment, SeenStep, Side
from lgsp.domain.standing import Standing, State
from lgsp.domain.status import Status
from tests.domain.events import event_sets
from tests.domain.test_standing import CALENDAR, R, at, dossier

S = Status
NOW = at("06-30 00:00") or 0
DUE, DONE = Moment(at("01-12 17:00") or 0), Moment(at("01-12 16:00") or 0)
OURS = dossier(R, (S.PROCESSED, "01-12 16:00", {}))


def side_of(found: Dossier) -> Side:
    """The side that a portal shows that has all of it."""
    taken = effective_transitions(found, SIMPLE.statuses)
    standing = SIMPLE.standing(found, CALENDAR, NOW)
    return Side(
        status=taken[-1].status if taken else None,
        dates={
            "due_at": None if found.due_at is None else Moment(found.due_at),
            "finished_at": None if standing.closed_at is None else Moment(standing.closed_at),
        },
        steps=tuple(SeenStep(t.occurred_at, t.status) for t in taken),
        late=is_late(standing),
    )


def late(shown: Side) -> bool | None:
    return late_there(OURS, side_of(OURS), shown, SIMPLE, CALENDAR, NOW)


@given(event_sets)
def test_equal_data_is_judged_equally(events: list[DossierEvent]) -> None:
    for found in merge_all(events).values():
        side = side_of(found)
        if side.status is not None:
            assert late_there(found, side, side, SIMPLE, CALENDAR, NOW) is side.late


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"dates": {"due_at": DUE, "finished_at": Moment(DUE.at + 1000)}}, True),
        ({"dates": {"due_at": DUE, "finished_at": None}}, None),
        ({"dates": {"due_at": None, "finished_at": DONE}}, None),
        ({"status": S.RECEIVED, "steps": side_of(OURS).steps[:1]}, True),  # type: ignore[index]
        ({"status": S.RECEIVED, "steps": None}, True),
        ({"status": S.PROCESSING, "steps": None}, None),  # we never had it: its times are unknown
        ({"status": S.PROCESSING, "steps": (SeenStep(DONE.at, S.PROCESSING),)}, True),
        ({"status": S.PROCESSING}, None),  # its own steps end otherwise
        ({"dates": {"due_at": Moment(at("01-12 17:00") or 0, 1), "finished_at": DONE}}, False),
        ({"dates": {"due_at": Moment(10**14), "finished_at": Moment(10**14 + 1)}}, True),
    ],
)
def test_what_it_shows_is_judged_by_our_rule(
    changes: dict[str, object], expected: bool | None
) -> None:
    assert late(replace(side_of(OURS), **changes)) is expected  # type: ignore[arg-type]


def test_a_date_that_no_calendar_knows_tells_nothing() -> None:
    waits = dossier(
        R, (S.SUPPLEMENT_REQUIRED, "01-10 08:00", {}), (S.PROCESSING, "01-11 08:00", {})
    )
    ours = side_of(waits)
    long_ago = Moment(-(10**12))  # 1938
    shown = replace(
        ours,
        dates={**ours.dates, "received_at": long_ago, "due_at": Moment(DUE.at + 86_400_000)},
        steps=tuple(
            SeenStep(long_ago.at + n, step.status) for n, step in enumerate(ours.steps or ())
        ),
    )
    assert late_there(waits, ours, shown, SIMPLE, CALENDAR, NOW) is None


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(State.LATE), True),
        (Standing(State.EARLY), False),
        (Standing(State.WITHDRAWN), False),
        (Standing(State.WITHOUT_DEADLINE), None),
        (Standing(State.OPEN, deadline=1, overdue=True), True),
        (Standing(State.SUSPENDED, deadline=1), False),
        (Standing(State.OPEN), None),
        (Standing(State.UNMAPPED), None),
    ],
)
def test_a_standing_is_late_or_not_or_cannot_be(standing: Standing, expected: bool | None) -> None:
    assert is_late(standing) is expected


@pytest.mark.parametrize(
    ("filed", "until"),
    [
        ("01-08 08:00", "01-09 08:00"),
        ("01-12 16:00", "01-15 16:00"),  # over a weekend
        ("01-13 10:00", "01-15 17:00"),  # filed on a Saturday
    ],
)
def test_a_reception_has_eight_working_hours(filed: str, until: str) -> None:
    deadline = reception_deadline(at(filed), CALENDAR)
    assert deadline == at(until)
    assert received_late(deadline, deadline, NOW) is False
    assert received_late((deadline or 0) + 1, deadline, NOW) is True
    assert received_late(None, deadline, NOW) is True
    assert received_late(None, deadline, deadline or 0) is False


def test_a_reception_without_a_known_filing_has_no_deadline() -> None:
    assert reception_deadline(None, CALENDAR) is None
    assert reception_deadline(-(10**14), CALENDAR) is None
    assert reception_deadline(CALENDAR.years.until - 1, CALENDAR) is None
    assert received_late(1, None, NOW) is None
