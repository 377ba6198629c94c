"""Waiting times and the budget of working days."""

import pytest

from lgsp.national.retries import Retries
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.retry_after import advised_wait

FRIDAY = 1_704_423_600_000 + 3_600_000  # 2024-01-05 11:00 in Asia/Ho_Chi_Minh
HOUR = 3_600_000


def retries(jitter: float = 1.0) -> Retries:
    return Retries(3, 900, load_calendar(), lambda: jitter)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 2), (5, 16), (11, 900), (99, 900)])
def test_waits_twice_as_long_each_time_up_to_the_cap(attempts: int, seconds: int) -> None:
    assert seconds * 1000 == retries().next_at(0, attempts, None)
    assert seconds * 500 == retries(0.0).next_at(0, attempts, None)


def test_never_asks_before_the_portal_s_advice() -> None:
    assert 7000 == retries().next_at(0, 1, 7)


@pytest.mark.parametrize("header", ["0", "-9", "nan", "Fri, 05 Jul 2019 12:00:00 GMT"])
def test_no_advice_makes_it_more_impatient(header: str) -> None:
    assert 8000 == retries().next_at(0, 4, advised_wait(header))


def test_the_budget_runs_only_in_working_time() -> None:
    tuesday, wednesday = FRIDAY + 4 * 24 * HOUR, FRIDAY + 5 * 24 * HOUR

    assert not retries().spent(FRIDAY, tuesday)
    assert retries().spent(FRIDAY, wednesday)
