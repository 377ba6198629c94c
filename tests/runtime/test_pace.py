"""A rate below one a second is a rate like any other; the pace of calls finds what is taken."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from lgsp.runtime.pace import Pace, TooManyCallsError, limiter
from tests.virtual import in_virtual_time


@pytest.mark.parametrize("per_second", [1e-320, 0.5, 1, 2.5])
async def test_the_first_call_goes_at_once(per_second: float) -> None:
    pace = limiter(per_second)
    assert pace is not None
    await asyncio.wait_for(pace.acquire(), 0.2)


async def test_the_next_call_waits_its_time() -> None:
    pace = limiter(0.8)
    assert pace is not None
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pace.acquire()
    await pace.acquire()
    assert 1.2 < loop.time() - began < 3


def test_no_rate_is_no_limit() -> None:
    assert limiter(0) is None


class Taker:
    """Takes so many calls in each second, answers after `delay`, refuses the others at once."""

    def __init__(
        self, clock: Callable[[], float], per_second: int, delay: float, advice: float | None
    ) -> None:
        self.clock, self.per_second, self.delay, self.advice = clock, per_second, delay, advice
        self.taken: list[float] = []
        self.refused: list[float] = []
        self._in_second: dict[int, int] = {}

    async def send(self) -> None:
        now = self.clock()
        count = self._in_second.get(int(now), 0)
        if count >= self.per_second:
            self.refused.append(now)
            raise TooManyCallsError("too many", wait=self.advice)
        self._in_second[int(now)] = count + 1
        self.taken.append(now)
        await asyncio.sleep(self.delay)


@pytest.mark.parametrize("advice", [None, 1])
@pytest.mark.parametrize("delay", [0.005, 0.2])
@pytest.mark.parametrize("per_second", [60, 7])
def test_the_pace_finds_what_is_taken_and_is_seldom_refused(
    per_second: int, delay: float, advice: float | None
) -> None:
    """A gateway of 60 calls a second, 64 at once: most of the budget is used."""

    async def play(clock: Callable[[], float]) -> Taker:
        pace = Pace(clock=clock)
        taker = Taker(clock, per_second, delay, advice)

        async def work() -> None:
            while clock() < 70:
                await pace.call(taker.send)

        await asyncio.gather(*(work() for _ in range(64)))
        return taker

    taker = in_virtual_time(play)
    assert len(taker.taken) > 70 * per_second * 0.85
    later = [at for at in taker.refused if at > 10]
    assert len(later) < 0.02 * len(taker.taken)


def test_a_budget_that_was_raised_is_found() -> None:
    async def play(clock: Callable[[], float]) -> tuple[float, float]:
        pace = Pace(clock=clock)
        taker = Taker(clock, 10, 0.01, None)

        async def work() -> None:
            while clock() < 200:
                await pace.call(taker.send)

        async def raise_it() -> None:
            await asyncio.sleep(60)
            taker.per_second = 100

        await asyncio.gather(raise_it(), *(work() for _ in range(64)))
        first = [at for at in taker.taken if at < 60]
        last = [at for at in taker.taken if at > 140]
        return len(first) / 60, len(last) / 60

    before, after = in_virtual_time(play)
    assert before < 11
    assert after > 80


def test_a_set_rate_is_never_exceeded() -> None:
    async def play(clock: Callable[[], float]) -> list[float]:
        pace = Pace(5, clock)
        taker = Taker(clock, 1000, 0.0, None)
        await asyncio.gather(*(pace.call(taker.send) for _ in range(50)))
        return taker.taken

    taken = in_virtual_time(play)
    assert 9.5 < taken[-1] < 10.5
    assert all(b - a > 0.19 for a, b in pairwise(taken))


@pytest.mark.parametrize(("advice", "seconds"), [(None, 30), (3600, 0)])
def test_what_is_refused_for_long_is_the_callers_to_wait(
    advice: float | None, seconds: float
) -> None:
    async def play(clock: Callable[[], float]) -> float:
        taker = Taker(clock, 0, 0, advice)
        with pytest.raises(TooManyCallsError):
            await Pace(clock=clock).call(taker.send)
        return clock()

    assert seconds <= in_virtual_time(play) < seconds + 5
