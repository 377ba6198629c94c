"""The breaker: while the portal as a whole answers nothing, pushing pauses and it is asked.

A push that fails says little of the portal: it may be the dossier's fault, or its procedure's.
So where nothing else was answered meanwhile, the portal is asked a small question. Any answer of
its own proves that it lives, whatever it thinks of one dossier.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from lgsp.domain.errors import RetryableError

Question = Callable[[], Awaitable[None]]
"""Asks something that changes nothing; RetryableError when no answer came, with the advice."""


class Breaker:
    """Open while the portal answers no question; one after the other is asked, each `longest` s.

    Args:
        ask: the question.
        on_change: told when it opens (True) and closes.
        first: seconds between the first two questions; it doubles up to `longest`.
        longest: most seconds between two questions, and for which one alone is waited for.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ask: Question,
        on_change: Callable[[bool], None] = lambda _: None,
        *,
        first: float = 0.5,
        longest: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._on_change = on_change
        self._first = first
        self._longest = longest
        self._clock = clock
        self._doubted = asyncio.Event()
        self._closed = asyncio.Event()
        self._closed.set()
        self._answer: asyncio.Future[bool] | None = None  # what the first question gave

    @property
    def is_open(self) -> bool:
        """Whether pushing is paused because nothing answers."""
        return not self._closed.is_set()

    async def admit(self) -> None:
        """Wait until a push may start."""
        await self._closed.wait()

    async def answers(self) -> bool:
        """Ask whether the portal lives; who doubts at the same time shares the question."""
        if self.is_open:
            return False
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._doubted.set()
        return await asyncio.shield(self._answer)

    async def run(self) -> None:
        """Ask whenever somebody doubts; until cancelled."""
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            await self._ask_until_answered()

    async def _ask_until_answered(self) -> None:
        asked: list[asyncio.Task[None]] = []
        pause = self._first
        try:
            while True:
                began = self._clock()
                self._ask_anew(asked)
                answered, advice = await self._listen(asked, began + self._longest)
                if answered:
                    break
                self._resolve(lives=False)
                again_at = max(began + pause, self._clock() + advice)
                answered, advice = await self._listen(asked, again_at)
                if answered:
                    break
                await asyncio.sleep(max(again_at - self._clock(), advice))
                pause = min(pause * 2, self._longest)
        finally:
            for question in asked:
                question.cancel()
        self._resolve(lives=True)

    def _ask_anew(self, asked: list[asyncio.Task[None]]) -> None:
        """Ask again, in place of the last question that is still open.

        A portal that is back answers a new question at once, while one from before may be lost
        with its connection. The oldest goes on beside the new one, for a portal that is only
        slow.
        """
        for late in asked[1:]:
            late.cancel()
        asked[1:] = [asyncio.create_task(_as_coroutine(self._ask()), name="question")]

    async def _listen(self, asked: list[asyncio.Task[None]], until: float) -> tuple[bool, float]:
        """Wait for an answer to any of the questions; tell whether one came, and the advice.

        Those that have failed are taken out.
        """
        advice = 0.0
        while asked and (left := until - self._clock()) > 0:
            done, _ = await asyncio.wait(asked, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for question in done:
                asked.remove(question)
                error = question.exception()
                if error is None:
                    return True, 0
                if not isinstance(error, RetryableError):
                    raise error
                advice = max(advice, error.wait or 0)
        return False, advice

    def _resolve(self, *, lives: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(lives)
        if self.is_open == lives:
            (self._closed.set if lives else self._closed.clear)()
            self._on_change(self.is_open)


async def _as_coroutine(asking: Awaitable[None]) -> None:
    await asking
