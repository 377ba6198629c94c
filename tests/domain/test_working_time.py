"""Working time against a slow minute loop, hand-worked cases, and the inverse property."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.working_time import (
    WORKING_DAY_MS,
    Calendar,
    CalendarRangeError,
    add_working_ms,
    day_number,
    day_of,
    working_ms_between,
)
from lgsp.runtime.calendar.vietnam import load_calendar

VN = timezone(timedelta(hours=7))
CALENDAR = load_calendar()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=VN).timestamp() * 1000)


def shown(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(VN).strftime("%Y-%m-%d %H:%M")


def slow_minutes(start: int, end: int) -> int:
    """Count worked minutes one by one."""
    count = 0
    for ms in range(start, end, 60_000):
        moment = datetime.fromtimestamp(ms / 1000, UTC).astimezone(VN)
        minute = moment.hour * 60 + moment.minute
        in_hours = 420 <= minute < 690 or 810 <= minute < 1020
        count += in_hours and CALENDAR.is_working(day_number(moment.date()))
    return count


minutes = st.integers(0, 12 * 24 * 60).map(lambda n: at("2024-02-05 00:00") + n * 60_000)


@given(minutes, minutes)
def test_between_equals_a_loop_over_minutes_around_tet(one: int, two: int) -> None:
    start, end = sorted((one, two))

    assert slow_minutes(start, end) * 60_000 == working_ms_between(start, end, CALENDAR)


@given(minutes, st.integers(1, 60 * 8 * 60_000))
def test_adding_is_the_inverse_of_between(start: int, duration: int) -> None:
    end = add_working_ms(start, duration, CALENDAR)

    assert duration == working_ms_between(start, end, CALENDAR)
    assert duration - 1 == working_ms_between(start, end - 1, CALENDAR)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2024-01-08 08:00", 1, "2024-01-09 08:00"),
        ("2024-01-08 07:00", 1, "2024-01-08 17:00"),  # a full day ends that evening
        ("2024-01-08 05:00", 1, "2024-01-08 17:00"),
        ("2024-01-08 12:15", 1, "2024-01-09 11:30"),
        ("2024-01-05 16:59", 1, "2024-01-08 16:59"),  # Friday to Monday
        ("2024-01-06 10:00", 1, "2024-01-08 17:00"),  # a Saturday
        ("2024-02-07 09:00", 2, "2024-02-16 09:00"),  # over Tết (8-14 February) to the second day
        ("2024-04-26 09:00", 1, "2024-05-02 09:00"),  # 29/4 swapped, 30/4 and 1/5 off
        ("2024-05-03 09:00", 1, "2024-05-04 09:00"),  # the make-up Saturday counts
        ("2025-12-31 09:00", 1, "2026-01-05 09:00"),  # 2/1/2026 off by decision
        ("2026-01-09 09:00", 1, "2026-01-10 09:00"),  # its make-up Saturday
    ],
)
def test_hand_worked_deadlines(start: str, days: int, end: str) -> None:
    assert end == shown(add_working_ms(at(start), days * WORKING_DAY_MS, CALENDAR))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-08 06:00", "2024-01-08 07:00"),
        ("2024-01-08 12:00", "2024-01-08 13:30"),
        ("2024-01-08 17:00", "2024-01-09 07:00"),
        ("2024-01-05 18:00", "2024-01-08 07:00"),
        ("2024-01-08 09:10", "2024-01-08 09:10"),
    ],
)
def test_a_start_outside_hours_waits_for_work(start: str, end: str) -> None:
    assert end == shown(add_working_ms(at(start), 0, CALENDAR))


def test_days_turn_at_midnight_in_ho_chi_minh() -> None:
    before, after = at("2024-01-07 23:59"), at("2024-01-08 00:00")

    assert day_of(before) + 1 == day_of(after)


def test_outside_the_calendar_is_an_error_that_names_the_range() -> None:
    small = Calendar("test", 100, 110, [100, 101])
    with pytest.raises(CalendarRangeError, match="1970-04-11 to 1970-04-21"):
        small.is_working(99)
    with pytest.raises(CalendarRangeError, match="past the end"):
        small.instant_at(3 * 8 * 3_600_000)


def test_after_the_last_working_day_there_is_none() -> None:
    small = Calendar("test", 100, 110, [100, 101])
    evening = 101 * 86_400_000 + 12 * 3_600_000  # 19:00 in Asia/Ho_Chi_Minh

    with pytest.raises(CalendarRangeError, match="past the end of calendar test"):
        small.next_working_instant(evening)
    assert [small.covers(day * 86_400_000) for day in (99, 100, 110, 111)] == [
        False,
        True,
        True,
        False,
    ]
