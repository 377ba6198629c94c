"""When dossiers come in: working days, the lull around Tết, the peaks of the day.

Instants are working time: ms worked since the calendar began (`Calendar.worked_until`). Every
working day is WORKING_DAY_MS of it, so 8 hours later is the same time on the next working day.
"""

from random import Random

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.working_time import (
    HOUR_MS,
    WORKING_DAY_MS,
    Calendar,
    CalendarRangeError,
    date_of,
    day_number,
    day_start_ms,
)
from lgsp.simulation.spec import ProvinceSpec

_FEWEST_DAYS = 10
_AFTER_DAYS = 120  # calendar days after the period in which due dates may lie
_WEEKDAYS = (1.15, 1.08, 1.0, 0.98, 0.92, 0.7, 0.7)
_LONG_BREAK, _LULL_DAYS, _LULL = 5, 5, 0.5  # days off in a row; working days around; their share
_MORNING = (0.1, 4.4, 1.8)  # hours worked: 07:06 to 11:24, most at 08:48
_AFTERNOON = (4.6, 7.4, 5.8)  # 13:36 to 16:24, most at 14:48


def arrivals(spec: ProvinceSpec, calendar: Calendar, count: int, rng: Random) -> list[int]:
    """Give the `count` moments (working time, whole seconds, ascending) at which staff take one.

    None lies in the first minutes or in the last half hour of a working day.

    Raises:
        ConfigurationError: too few working days to be late in, or outside the calendar.
    """
    first, last = day_number(spec.first), day_number(spec.last)
    try:
        days = [day for day in range(first, last + 1) if calendar.is_working(day)]
        calendar.is_working(last + _AFTER_DAYS)
    except CalendarRangeError as error:
        raise ConfigurationError(f"--from {spec.first} --to {spec.last}: {error}") from error
    if len(days) < _FEWEST_DAYS:
        raise ConfigurationError(
            f"--from {spec.first} --to {spec.last}: {len(days)} working days, "
            f"at least {_FEWEST_DAYS} expected"
        )
    weights = _weights(days, rng)
    found = []
    for day, number in zip(days, _apportion(count, weights), strict=True):
        base = calendar.worked_until(day_start_ms(day))
        for _ in range(number):
            low, high, most = _MORNING if rng.random() < 0.58 else _AFTERNOON
            hours = rng.triangular(low, high, most)
            found.append(base + int(hours * HOUR_MS) // 1000 * 1000)
    found.sort()
    return found


def submitted(received: int, at: int, earliest: int, calendar: Calendar, rng: Random) -> int:
    """Give the instant (ms UTC) at which a dossier received then was filed online.

    Args:
        received: when it was received, in working time.
        at: the same as an instant (ms UTC).
        earliest: nothing is filed before (ms UTC).
        calendar: the working days.
        rng: the twin's randomness.
    """
    worked = received % WORKING_DAY_MS
    if worked < 2 * HOUR_MS and rng.random() < 0.7:
        # Filed out of hours: since the evening before, or the week-end.
        before = calendar.instant_at(received - worked)
        evening = before + int(rng.triangular(0.2, 6, 2.5) * HOUR_MS) // 1000 * 1000
        shift = rng.randrange((at - before) // (24 * HOUR_MS) + 1)
        filed = evening + shift * 24 * HOUR_MS
        if filed >= at:
            filed = evening
    else:
        longest = 8 if rng.random() < 0.97 else 20
        lag = int(longest * HOUR_MS * rng.random() ** 3) // 1000 * 1000 + 60_000
        filed = calendar.instant_at(received - lag)
    return filed if earliest <= filed < at else at - 600_000


def _weights(days: list[int], rng: Random) -> list[float]:
    quiet: set[int] = set()
    for i in range(1, len(days)):
        if days[i] - days[i - 1] > _LONG_BREAK:
            quiet.update(range(i - _LULL_DAYS, i + _LULL_DAYS))
    return [
        _WEEKDAYS[date_of(day).weekday()] * rng.uniform(0.85, 1.15) * (_LULL if i in quiet else 1)
        for i, day in enumerate(days)
    ]


def _apportion(count: int, weights: list[float]) -> list[int]:
    """Split `count` by weight into whole numbers that add up to it."""
    total, given, cumulated = sum(weights), 0, 0.0
    parts = []
    for weight in weights[:-1]:
        cumulated += weight
        upto = round(count * cumulated / total)
        parts.append(upto - given)
        given = upto
    return [*parts, count - given]
