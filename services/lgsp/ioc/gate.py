"""How many questions are answered at once: the costly ones must not hold up the others.

Answers are made on threads of one interpreter, so a second thread makes nothing faster; it only
lets a short question past a long one.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from lgsp.domain.errors import RetryableError

_Answer = TypeVar("_Answer")
_STOPPING = "the feed is being stopped"
_RETRY = 2.0  # seconds that a refused asker is advised to wait


class Gate:
    """Lets a few questions of one kind through at once; the same question is answered once.

    Args:
        what: names the kind, for the one who is refused.
        at_once: how many are worked on at once, each on a thread that nothing waits for at exit.
        patience: seconds that a question waits for its turn.
        within: seconds after which an asker is told that there is no answer; what hangs keeps its
            turn until it ends, so that no more threads and connections hang beside it.
        most: how many may wait; a further one is refused at once.
    """

    def __init__(
        self, what: str, at_once: int, patience: float, within: float, most: int = 200
    ) -> None:
        self._what = what
        self._at_once = at_once
        self._patience = patience
        self._within = within
        self._most = most
        self._waiting = 0
        self._turns = asyncio.Semaphore(at_once)
        self._threads = CapacityLimiter(at_once)
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}
        self._ended = False

    def end(self) -> None:
        """Refuse all who wait, and who come from now on; called on the loop."""
        self._ended = True
        for task in list(self._asked.values()):
            task.cancel()

    async def answer(self, question: Hashable, make: Callable[[], _Answer]) -> _Answer:
        """Return what `make` returns, or what it returns to another who asks the same now.

        Raises:
            RetryableError: it did not get its turn in time, or all ends.
        """
        if self._ended:
            raise RetryableError(_STOPPING, wait=_RETRY)
        task = self._asked.get(question)
        if task is None:
            task = asyncio.create_task(self._make(make))
            self._asked[question] = task
            task.add_done_callback(lambda done: self._forget(question, done))
        try:
            # One asker who goes away takes nothing from the others.
            answer: _Answer = await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._ended and task.cancelled():
                raise RetryableError(_STOPPING, wait=_RETRY) from None
            raise
        return answer

    async def _make(self, make: Callable[[], _Answer]) -> _Answer:
        """Wait for a turn, then for the answer."""
        if self._waiting >= self._most:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1
        work = asyncio.create_task(self._work(make))
        work.add_done_callback(lambda _: self._turns.release())
        try:
            done, _ = await asyncio.wait({work}, timeout=self._within)
        except asyncio.CancelledError:  # the feed is being stopped
            work.cancel()
            raise
        if not done:
            work.add_done_callback(_look_at)
            raise RetryableError(
                f"no answer within {self._within:g} s to a question for {self._what}: the store"
                " does not answer, or has too much to do",
                wait=_RETRY,
            )
        return work.result()

    async def _work(self, make: Callable[[], _Answer]) -> _Answer:
        return await to_thread.run_sync(make, limiter=self._threads, abandon_on_cancel=True)

    def _busy(self) -> RetryableError:
        return RetryableError(
            f"{self._at_once} questions for {self._what} are being answered and"
            f" {self._waiting} wait: ask again in a moment",
            wait=_RETRY,
        )

    def _forget(self, question: Hashable, task: asyncio.Task[Any]) -> None:
        self._asked.pop(question, None)
        _look_at(task)


def _look_at(task: asyncio.Task[Any]) -> None:
    """Look at how a task failed, in case that every asker has gone."""
    if not task.cancelled():
        task.exception()
