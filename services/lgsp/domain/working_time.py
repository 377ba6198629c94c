"""Working time in Asia/Ho_Chi_Minh: 07:00-11:30 and 13:30-17:00 on working days, 8 hours a day.

The hours are the defaults of two portals in use (OpenCPS `BetimeUtils` and a provincial one); one
working day of a processing time is 8 working hours. Working days, holidays and make-up Saturdays
come in a `Calendar`, made once from a table, so every question is a few look-ups.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# Việt Nam has kept UTC+7 without summer time since 1975: no dossier is older.
OFFSET_MS = 7 * HOUR_MS
WORKING_DAY_MS = 8 * HOUR_MS

MORNING = 7 * HOUR_MS
NOON = 11 * HOUR_MS + HOUR_MS // 2
AFTERNOON = 13 * HOUR_MS + HOUR_MS // 2
EVENING = 17 * HOUR_MS
_MORNING_MS = NOON - MORNING
_EPOCH = date(1970, 1, 1).toordinal()


class CalendarRangeError(ValueError):
    """An instant lies outside the years that the calendar knows."""


def day_of(at: int) -> int:
    """Return the calendar day of the instant `at` (ms UTC), in days since 1970-01-01."""
    return (at + OFFSET_MS) // DAY_MS


def day_and_time(at: int) -> tuple[int, int]:
    """Return the calendar day of the instant `at` (ms UTC), and the ms since it began."""
    return divmod(at + OFFSET_MS, DAY_MS)


def day_start_ms(day: int) -> int:
    """Return the instant (ms UTC) at which the day begins in Asia/Ho_Chi_Minh."""
    return day * DAY_MS - OFFSET_MS


def day_number(value: date) -> int:
    """Return days since 1970-01-01 of a date."""
    return value.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """Return the date of a day in days since 1970-01-01."""
    return date.fromordinal(day + _EPOCH)


class Years(NamedTuple):
    """The instants `since` <= at < `until` (ms UTC) of whole years in Asia/Ho_Chi_Minh."""

    since: int
    until: int

    def covers(self, at: int) -> bool:
        """Tell whether the instant (ms UTC) lies in these years."""
        return self.since <= at < self.until


FIRST_YEAR, LAST_YEAR = 1990, 2060
"""Years of the shipped calendar: no portal is older, and no deadline is later."""
KNOWN_YEARS = Years(
    day_start_ms(day_number(date(FIRST_YEAR, 1, 1))),
    day_start_ms(day_number(date(LAST_YEAR + 1, 1, 1))),
)


class Calendar:
    """Which days are worked, for the days first..last, both included (days since 1970).

    Immutable; `version` is published with every figure that depends on it.
    """

    __slots__ = ("_before", "_days", "first", "last", "version", "years")

    def __init__(self, version: str, first: int, last: int, working: Iterable[int]) -> None:
        self.version = version
        self.first = first
        self.last = last
        self.years = Years(day_start_ms(first), day_start_ms(last + 1))
        self._days = tuple(sorted(set(working)))
        worked = set(self._days)
        before = []
        count = 0
        for day in range(first, last + 1):
            before.append(count)
            count += day in worked
        before.append(count)
        self._before = tuple(before)  # [i]: working days before day first + i

    def is_working(self, day: int) -> bool:
        """Tell whether the day is worked; CalendarRangeError outside the calendar."""
        i = self._index(day)
        return self._before[i + 1] > self._before[i]

    def covers(self, at: int) -> bool:
        """Tell whether the instant (ms UTC) lies in the calendar's years."""
        return self.years.covers(at)

    def worked_until(self, at: int) -> int:
        """Return the working ms from the calendar's beginning to the instant `at`."""
        day, of_day = day_and_time(at)
        i = self._index(day)
        worked = self._before[i] * WORKING_DAY_MS
        return worked + _worked_of_day(of_day) if self._before[i + 1] > self._before[i] else worked

    def instant_at(self, worked: int) -> int:
        """Return the first instant by which `worked` (> 0) working ms have passed."""
        full, rest = divmod(worked, WORKING_DAY_MS)
        if rest == 0:
            full, rest = full - 1, WORKING_DAY_MS
        if full >= len(self._days):
            raise CalendarRangeError(f"past the end of calendar {self.version}: {self._range()}")
        lunch = AFTERNOON - NOON if rest > _MORNING_MS else 0
        return day_start_ms(self._days[full]) + MORNING + rest + lunch

    def next_working_instant(self, at: int) -> int:
        """Return `at` when work goes on then, else the next instant at which it begins."""
        day, of_day = day_and_time(at)
        i = self._index(day)
        if self._before[i + 1] > self._before[i] and of_day < EVENING:
            if of_day < MORNING:
                return day_start_ms(day) + MORNING
            return day_start_ms(day) + AFTERNOON if NOON <= of_day < AFTERNOON else at
        following = self._before[i + 1]
        if following >= len(self._days):
            raise CalendarRangeError(f"past the end of calendar {self.version}: {self._range()}")
        return day_start_ms(self._days[following]) + MORNING

    def _index(self, day: int) -> int:
        if not self.first <= day <= self.last:
            raise CalendarRangeError(
                f"{date_of(day) if -700_000 < day < 2_900_000 else day} is outside calendar"
                f" {self.version}: {self._range()}"
            )
        return day - self.first

    def _range(self) -> str:
        return f"{date_of(self.first)} to {date_of(self.last)}"


def _worked_of_day(of_day: int) -> int:
    if of_day <= MORNING:
        return 0
    if of_day <= NOON:
        return of_day - MORNING
    if of_day <= AFTERNOON:
        return _MORNING_MS
    return min(of_day, EVENING) - AFTERNOON + _MORNING_MS


def working_ms_between(start: int, end: int, calendar: Calendar) -> int:
    """Return the working ms between two instants (ms UTC); negative when `end` is earlier."""
    return calendar.worked_until(end) - calendar.worked_until(start)


def add_working_ms(start: int, duration: int, calendar: Calendar) -> int:
    """Return the instant at which `duration` (>= 0) working ms after `start` have passed.

    A start outside working time counts from the next working instant. A duration that ends with a
    session ends at its last instant (11:30, 17:00), not at the next one's first.
    """
    if duration == 0:
        return calendar.next_working_instant(start)
    return calendar.instant_at(calendar.worked_until(start) + duration)
