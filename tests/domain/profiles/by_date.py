"""A second profile, for tests only: late from the day after the due day on, whatever the hour."""

from dataclasses import replace
from functools import partial

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import by_deadline
from lgsp.domain.working_time import day_of, day_start_ms


def next_day(deadline: int) -> int:
    """Return the beginning of the day after the deadline's."""
    return day_start_ms(day_of(deadline) + 1)


BY_DATE = replace(
    SIMPLE, name="by-date", version="7", rule=partial(by_deadline, late_from=next_day)
)
