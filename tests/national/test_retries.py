"""Waiting times, the budget of working days, and the breaker."""

import asyncio

import pytest

from lgsp.national.breaker import Breaker
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


def test_one_dossier_alone_never_opens_the_breaker() -> None:
    breaker = Breaker(threshold=3)
    for _ in range(10):
        breaker.failed("one", probe=False)

    assert not breaker.is_open


async def test_lets_one_probe_through_and_the_rest_after_its_success() -> None:
    breaker = Breaker(threshold=2, first=0.01)
    for dossier in ("one", "two"):
        breaker.failed(dossier, probe=False)
    admitted: list[bool] = []

    async def ask() -> None:
        admitted.append(await breaker.admit())

    async with asyncio.TaskGroup() as tasks:
        probe = tasks.create_task(ask())
        tasks.create_task(ask())
        await probe
        during = list(admitted)
        breaker.succeeded()

    assert [True] == during
    assert [True, False] == admitted
    assert not breaker.portal_fails


async def test_obeys_the_portal_s_advice_at_once() -> None:
    now = 0.0
    breaker = Breaker(threshold=5, first=0.01, clock=lambda: now)
    breaker.failed("one", probe=False, wait=30)
    waiting = asyncio.create_task(breaker.admit())
    await asyncio.wait({waiting}, timeout=0.05)
    waited = not waiting.done()
    waiting.cancel()

    assert breaker.is_open
    assert waited
