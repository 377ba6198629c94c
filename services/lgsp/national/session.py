"""The session at the national portal: one for all calls, opened anew when it is refused.

A refusal says little of the session by itself: the calls under way with an old one are refused
late, a new one may not be known everywhere at once, and a portal may refuse one call with the
same words while it takes all others. So a session is left only when nothing was accepted since
the refused call went out, and a new one not before it had time to become known.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf

import structlog

from lgsp.domain.errors import RetryableError

_TTL = 600.0  # seconds; the real time is not published, integrators use ten minutes
_LONGEST_PAUSE = 60.0  # seconds after a refused login
_BETWEEN_LOGINS = 1.0  # seconds: two who share one account do not end each other's all the time
_BECOMES_KNOWN = 2.0  # seconds for which a new session that nobody accepts yet is kept
_KNOWN_LATE = 5  # doublings of that while one after the other is never accepted
_CERTAINLY_GOOD = 60.0  # seconds since a call was accepted


class LoginRefusedError(Exception):
    """The portal refuses the account."""


class Sessions:
    """The session of one client.

    Args:
        log_in: gives a new session; LoginRefusedError, RetryableError.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        log_in: Callable[[], Awaitable[str]],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._log_in = log_in
        self._clock = clock
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._session = ""
        self._opened_at = self._accepted_at = -inf
        self._was_accepted = False
        self._never_accepted = 0  # sessions in a row
        self._refused_logins = 0  # in a row
        self._refusal, self._again_at = "", -inf

    async def current(self) -> str:
        """Return the session; log in when there is none.

        Raises:
            RetryableError: the account was refused a moment ago, or no login is possible.
        """
        if self._is_open():
            return self._session
        async with self._lock:
            if self._is_open():
                return self._session
            if (left := self._again_at - self._clock()) > 0:
                raise RetryableError(self._refusal, wait=left)
            if (left := self._opened_at + _BETWEEN_LOGINS - self._clock()) > 0:
                await self._sleep(left)
            try:
                self._session = await self._log_in()
            except LoginRefusedError as error:
                # An account is not to be locked by the many who wait for its session.
                pause = min(2.0 ** min(self._refused_logins, 8), _LONGEST_PAUSE)
                self._refused_logins += 1
                self._refusal, self._again_at = str(error), self._clock() + pause
                raise RetryableError(self._refusal, wait=pause) from error
            self._refused_logins = 0
            self._opened_at, self._was_accepted = self._clock(), False
            return self._session

    def is_current(self, session: str) -> bool:
        """Tell whether calls go on with this session."""
        return session == self._session

    def accepted(self, session: str) -> None:
        """Note that a call was worked on with this session."""
        if session == self._session:
            self._was_accepted, self._never_accepted = True, 0
            self._accepted_at = self._clock()

    def refused(self, session: str, sent_at: float, *, certainly: bool = True) -> None:
        """Note that a call that was sent then was refused; leave the session if it has ended.

        Args:
            session: which the call had.
            sent_at: monotonic seconds.
            certainly: it was refused for its session; else for a reason that is not told.
        """
        if session != self._session:
            return
        since = self._clock() - (0 if certainly else _CERTAINLY_GOOD)
        if self._was_accepted and self._accepted_at > min(sent_at, since):
            return
        if not self._was_accepted:
            kept_for = _BECOMES_KNOWN * 2 ** min(self._never_accepted, _KNOWN_LATE)
            if self._clock() - self._opened_at < kept_for:
                return
            self._never_accepted += 1
        self._session = ""
        structlog.get_logger().info("national_session_ended")

    def _is_open(self) -> bool:
        return bool(self._session) and self._clock() - self._opened_at < _TTL
