"""Where a dossier stands: hand-worked cases of profile simple."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given

from lgsp.domain.dossier import Dossier, merge_all
from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import RESOLVED, STILL_OPEN, State
from lgsp.domain.status import Status
from lgsp.runtime.calendar.vietnam import load_calendar
from tests.domain.events import event_sets

CALENDAR = load_calendar()
VN = timezone(timedelta(hours=7))
S = Status


def at(text: str | None) -> int | None:
    if text is None:
        return None
    return int(datetime.fromisoformat(f"2024-{text}").replace(tzinfo=VN).timestamp() * 1000)


def dossier(
    *rows: tuple[Status, str, Mapping[str, object]], due: str | None = "01-12 17:00"
) -> Dossier:
    """Build a dossier from (status, time, extras); `due` stands on every row without its own."""
    found = [
        with_id(
            DossierEvent(
                portal="p",
                province="H37",
                dossier_code="H37.1-240101-0001",
                agency="H37.1",
                channel=Channel.ONLINE,
                status=status,
                occurred_at=at(when) or 0,
                observed_at=0,
                sequence=status,
                reopens=bool(extra.get("reopens")),
                received_at=at(extra.get("received", "01-08 08:00")),  # type: ignore[arg-type]
                due_at=at(extra.get("due", due)),  # type: ignore[arg-type]
                finished_at=at(extra.get("finished")),  # type: ignore[arg-type]
            )
        )
        for status, when, extra in rows
    ]
    return merge_all(found)["H37.1-240101-0001"]


def state_of(found: Dossier, now: str = "06-30 00:00") -> State:
    return SIMPLE.standing(found, CALENDAR, at(now) or 0).state


R: tuple[Status, str, Mapping[str, object]] = (S.RECEIVED, "01-08 08:00", {})


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        ("01-11 23:59", State.EARLY),  # a calendar day before the due day
        ("01-12 00:00", State.ON_TIME),
        ("01-12 17:00", State.ON_TIME),  # the boundary itself
        ("01-12 17:01", State.LATE),
    ],
)
def test_early_on_time_late(finished: str, expected: State) -> None:
    assert state_of(dossier(R, (S.PROCESSED, finished, {}))) is expected


def test_no_due_date_counts_apart_as_resolved() -> None:
    found = dossier(R, (S.PROCESSED, "03-01 09:00", {}), due=None)

    assert state_of(found) is State.WITHOUT_DEADLINE


def test_the_stated_finishing_time_wins_over_the_steps() -> None:
    late_step = (S.PROCESSED, "01-13 09:00", {"finished": "01-12 16:00"})

    assert state_of(dossier(R, late_step)) is State.ON_TIME


def test_nine_is_preferred_over_ten_as_finishing_time() -> None:
    found = dossier(R, (S.PROCESSED, "01-12 16:00", {}), (S.RESULT_RETURNED, "01-20 09:00", {}))

    assert state_of(found) is State.ON_TIME


@pytest.mark.parametrize(
    ("finished", "expected"),
    [("01-16 17:00", State.ON_TIME), ("01-17 07:01", State.LATE)],
)
def test_waiting_for_papers_extends_the_due_date(finished: str, expected: State) -> None:
    # Suspended from Tuesday 08:00 to Thursday 08:00: 16 working hours; due Friday 12th 17:00.
    found = dossier(
        R,
        (S.SUPPLEMENT_REQUIRED, "01-09 08:00", {}),
        (S.PROCESSING, "01-11 08:00", {}),
        (S.PROCESSED, finished, {}),
    )

    assert state_of(found) is expected


def test_a_due_date_moved_by_the_source_is_not_extended_again() -> None:
    found = dossier(
        R,
        (S.SUPPLEMENT_REQUIRED, "01-09 08:00", {}),
        (S.PROCESSING, "01-11 08:00", {"due": "01-16 17:00"}),
        (S.PROCESSED, "01-17 09:00", {"due": "01-16 17:00"}),
    )

    assert state_of(found) is State.LATE


def test_a_due_date_moved_before_the_suspension_is_extended() -> None:
    found = dossier(
        R,
        (S.PROCESSING, "01-08 09:00", {"due": "01-15 17:00"}),
        (S.SUPPLEMENT_REQUIRED, "01-09 08:00", {"due": "01-15 17:00"}),
        (S.PROCESSING, "01-10 08:00", {"due": "01-15 17:00"}),
        (S.PROCESSED, "01-16 17:00", {"due": "01-15 17:00"}),
    )

    assert state_of(found) is State.ON_TIME


def test_steps_after_the_end_do_not_reopen() -> None:
    found = dossier(R, (S.PROCESSED, "01-12 09:00", {}), (S.PROCESSING, "01-15 09:00", {}))

    assert state_of(found) is State.ON_TIME


def test_the_sources_word_reopens_and_the_old_finishing_time_falls() -> None:
    reopened = dossier(
        R,
        (S.PROCESSED, "01-10 09:00", {"finished": "01-10 09:00"}),
        (S.PROCESSING, "01-11 09:00", {"reopens": True}),
    )
    again = dossier(
        R,
        (S.PROCESSED, "01-10 09:00", {"finished": "01-10 09:00"}),
        (S.PROCESSING, "01-11 09:00", {"reopens": True}),
        (S.PROCESSED, "01-20 09:00", {}),
    )

    assert state_of(reopened) is State.OPEN
    assert state_of(again) is State.LATE


@pytest.mark.parametrize(
    ("status", "expected"),
    [(S.REFUSED, State.REFUSED), (S.WITHDRAWN, State.WITHDRAWN), (S.REGISTERED, State.REGISTERED)],
)
def test_outside_the_rates(status: Status, expected: State) -> None:
    found = dossier((S.REGISTERED, "01-08 08:00", {}), (status, "01-09 08:00", {}))

    assert state_of(found) is expected


def test_lateness_appears_when_time_passes() -> None:
    found = dossier(R, (S.PROCESSING, "01-09 08:00", {}))
    before = SIMPLE.standing(found, CALENDAR, at("01-12 17:00") or 0)
    after = SIMPLE.standing(found, CALENDAR, (at("01-12 17:00") or 0) + 1)

    assert (before.overdue, before.turns_at) == (False, (at("01-12 17:00") or 0) + 1)
    assert (after.overdue, after.turns_at) == (True, None)


def test_the_clock_stands_while_suspended() -> None:
    found = dossier(R, (S.SUPPLEMENT_REQUIRED, "01-09 08:00", {}))
    stood = SIMPLE.standing(found, CALENDAR, at("05-01 08:00") or 0)

    assert (stood.state, stood.overdue, stood.turns_at) == (State.SUSPENDED, False, None)


@given(event_sets)
def test_every_dossier_is_counted_once_on_each_side(found: list[DossierEvent]) -> None:
    now = at("06-30 00:00") or 0
    for one in merge_all(found).values():
        stood = SIMPLE.standing(one, CALENDAR, now)
        names = [SIMPLE.measures.names[u.measure] for u in SIMPLE.contribution(one, CALENDAR, now)]
        received = [n for n in names if n.startswith("received_")]
        closed = [n for n in names if n.startswith("resolved_")]

        assert len(closed) == (stood.state in RESOLVED)
        assert ("open" in names) == (stood.state in STILL_OPEN)
        assert len(received) == (
            stood.received_at is not None and stood.state is not State.REFUSED
        )
        assert len(set(names)) == len(names)


def test_a_deadline_extended_past_the_calendar_stands_at_its_end() -> None:
    last = CALENDAR.years.until - 1
    waiting = dossier(
        R, (S.SUPPLEMENT_REQUIRED, "01-09 08:00", {}), (S.PROCESSING, "02-09 08:00", {})
    )
    found = SIMPLE.standing(replace(waiting, due_at=last), CALENDAR, at("06-30 00:00") or 0)

    assert (State.OPEN, last + 1, False) == (found.state, found.deadline, found.overdue)
