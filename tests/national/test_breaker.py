"""The breaker: nothing is pushed while nothing answers, and a portal that is back is seen soon."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from lgsp.domain.errors import RetryableError
from lgsp.national.breaker import Breaker
from tests.virtual import in_virtual_time

Clock = Callable[[], float]


class Portal:
    """Answers from `back_at` on; before that it refuses at once, or hangs for `hangs` seconds."""

    def __init__(
        self, clock: Clock, *, back_at: float, hangs: float = 0, advice: float | None = None
    ) -> None:
        self.clock, self.back_at, self.hangs, self.advice = clock, back_at, hangs, advice
        self.asked: list[float] = []
        self.open = self.most_open = 0

    async def ask(self) -> None:
        self.asked.append(self.clock())
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            if self.clock() < self.back_at:  # what was sent before is lost, also when it is back
                await asyncio.sleep(self.hangs)
                raise RetryableError("away", wait=self.advice)
        finally:
            self.open -= 1


@asynccontextmanager
async def running(portal: Portal) -> AsyncIterator[Breaker]:
    breaker = Breaker(portal.ask, clock=portal.clock)
    task = asyncio.create_task(breaker.run())
    try:
        yield breaker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("hangs", [0, 60])
@pytest.mark.parametrize("down", [0.1, 3, 180, 181.7, 3600])
def test_a_portal_that_is_back_is_seen_within_five_seconds(down: float, hangs: float) -> None:
    async def play(clock: Clock) -> tuple[float, Portal]:
        portal = Portal(clock, back_at=down, hangs=hangs)
        async with running(portal) as breaker:
            assert not await breaker.answers()
            await breaker.admit()
            return clock(), portal

    admitted_at, portal = in_virtual_time(play)
    assert down <= admitted_at < down + 5
    # It is not hammered: a question each three seconds, and at most the oldest beside the newest.
    assert len(portal.asked) < 5 + down / 3
    assert portal.most_open <= 2


def test_who_doubts_at_the_same_time_shares_one_question() -> None:
    async def play(clock: Clock) -> tuple[list[bool], int]:
        portal = Portal(clock, back_at=0)
        async with running(portal) as breaker:
            answered = await asyncio.gather(*(breaker.answers() for _ in range(50)))
            await breaker.admit()
            return answered, len(portal.asked)

    assert ([True] * 50, 1) == in_virtual_time(play)


def test_the_advice_of_the_portal_is_obeyed() -> None:
    async def play(clock: Clock) -> list[float]:
        portal = Portal(clock, back_at=10, advice=40)
        async with running(portal) as breaker:
            await breaker.answers()
            await breaker.admit()
            return portal.asked

    assert [0, 40] == in_virtual_time(play)


def test_a_portal_that_is_only_slow_is_heard() -> None:
    async def play(clock: Clock) -> float:
        async def ask() -> None:
            await asyncio.sleep(20)

        breaker = Breaker(ask, clock=clock)
        task = asyncio.create_task(breaker.run())
        assert not await breaker.answers()
        await breaker.admit()
        task.cancel()
        return clock()

    assert 20 <= in_virtual_time(play) < 21


def test_says_when_it_opens_and_closes() -> None:
    async def play(clock: Clock) -> list[bool]:
        portal = Portal(clock, back_at=10)
        moves: list[bool] = []
        breaker = Breaker(portal.ask, moves.append, clock=clock)
        task = asyncio.create_task(breaker.run())
        for _ in range(3):
            await breaker.answers()
        await breaker.admit()
        assert not breaker.is_open
        task.cancel()
        return moves

    assert [True, False] == in_virtual_time(play)


def test_an_answer_while_an_advice_is_obeyed_counts_at_once() -> None:
    """The first question hangs, the second brings an advice; then the first is answered."""

    async def play(clock: Clock) -> float:
        asked = 0

        async def ask() -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                await asyncio.sleep(20)
            else:
                raise RetryableError("away", wait=60)

        breaker = Breaker(ask, clock=clock)
        task = asyncio.create_task(breaker.run())
        assert not await breaker.answers()
        await breaker.admit()
        task.cancel()
        return clock()

    assert 20 <= in_virtual_time(play) < 21
