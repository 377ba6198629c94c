"""How fast we may ask another side: set limits, and the pace that the national portal takes."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeVar

from aiolimiter import AsyncLimiter

from lgsp.domain.errors import RetryableError

_LONGEST = 86_400.0  # seconds between two calls: a rate below one a day is one a day

Answer = TypeVar("Answer")


def limiter(per_second: float) -> AsyncLimiter | None:
    """Make a limiter of `per_second` calls, which may be less than one; None for 0, no limit.

    The first call goes at once. Above one a second, a burst of a second's calls is let through.
    """
    if not per_second:
        return None
    burst = max(1.0, per_second)  # the library refuses a bucket that holds less than one call
    return AsyncLimiter(burst, min(burst / per_second, _LONGEST))


class TooManyCallsError(RetryableError):
    """The other side did not carry the call out, because of how many we make (HTTP 429)."""


class Pace:
    """Lets calls go as fast as the other side takes them, and never faster than the set rate.

    Without a set rate calls go at once, until one is refused for its rate. From then on the pace
    is a little less than what was taken in the second before. It comes back to that within
    `_RETURN` seconds, and doubles every `_DOUBLING` seconds after them, until the next refusal:
    so few calls are refused, and a budget that was raised is found.

    Args:
        per_second: the set rate; 0: none.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """

    _UNDER = 0.08  # by how much the pace is below what was taken, at first
    _RETURN = 30.0
    _DOUBLING = 10.0
    _PAUSE = 0.25  # seconds after a refusal without advice; doubles while all are refused
    _LONGEST_PAUSE = 4.0
    _PATIENCE = 30.0  # seconds for which one call is sent again
    _LONGEST_ADVICE = 5.0  # seconds; longer ones are the caller's to wait
    _CATCH_UP = 0.05  # seconds of calls that may follow at once after a late wake-up

    def __init__(
        self,
        per_second: float = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most = per_second or inf
        self._clock = clock
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._next = 0.0
        self._paused_until = 0.0
        self._sent: deque[float] = deque()  # when, of the last second, without the refused ones
        self._ceiling = inf
        self._cut_at = -inf
        self._refusals = 0  # in a row

    @property
    def rate(self) -> float:
        """Calls a second that may go now; infinite when nothing limits them."""
        since = self._clock() - self._cut_at
        if self._ceiling == inf:
            return self._most
        if since < self._RETURN:
            missing = 1 - since / self._RETURN
            return min(self._most, self._ceiling * (1 - self._UNDER * missing**3))
        doublings = min((since - self._RETURN) / self._DOUBLING, 60)
        return min(self._most, self._ceiling * 2**doublings)

    async def call(self, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """Wait for the turn and send; send again what was refused for its rate.

        Raises:
            TooManyCallsError: refused for half a minute, or with the advice to wait for long.
        """
        give_up_at = self._clock() + self._PATIENCE
        while True:
            await self._turn()
            started = self._note_sent()
            try:
                answer = await send()
            except TooManyCallsError as error:
                self._refused(started, error.wait)
                if self._clock() >= give_up_at or (error.wait or 0) > self._LONGEST_ADVICE:
                    raise
                continue
            self._refusals = 0
            return answer

    async def _turn(self) -> None:
        async with self._lock:  # first come, first served
            while (wait := max(self._next, self._paused_until) - self._clock()) > 0:
                await self._sleep(wait)
            if (rate := self.rate) < inf:
                late = max(self._next, self._clock() - self._CATCH_UP)
                self._next = late + min(1 / rate, _LONGEST)

    def _note_sent(self) -> float:
        now = self._clock()
        self._sent.append(now)
        while self._sent[0] <= now - 1:
            self._sent.popleft()
        return now

    def _refused(self, started: float, advice: float | None) -> None:
        now = self._clock()
        if started in self._sent:
            self._sent.remove(started)
        pause = min(self._PAUSE * 2 ** min(self._refusals, 8), self._LONGEST_PAUSE)
        self._paused_until = max(self._paused_until, now + (advice or pause))
        if started < self._cut_at + 1:
            return  # sent at the old pace, or too soon after it to tell
        self._refusals += 1
        taken = float(sum(at > now - 1 for at in self._sent))
        before = self.rate
        self._ceiling = max(1.0, min(before, taken), before / 2 if before < inf else 0)
        self._cut_at = now
