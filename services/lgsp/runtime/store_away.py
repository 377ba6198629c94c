"""The store cannot be used now: locked, away, without room. Work waits, and one line says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from lgsp.domain.errors import RetryableError

_TRY_EVERY = 1.0  # seconds
_away: dict[int, float] = {}  # who waits -> since when, monotonic seconds


class StoreAway(RetryableError):  # noqa: N818 - a state, as the broker's
    """The same work may succeed later; nothing of it was written."""


def away_seconds() -> float:
    """Return for how long work of this process has been waiting for its store; 0: it does not."""
    now = time.monotonic()
    return max((now - since for since in tuple(_away.values())), default=0.0)


class StoreWait:
    """Lets the work of one process wait for its store.

    Args:
        probe: raises StoreAway while the store cannot be written. Called on a thread.
    """

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._waiting: asyncio.Task[None] | None = None

    async def through_absence(self, work: Callable[[], Awaitable[None]]) -> None:
        """Await the work; when the store is away, wait and begin it anew.

        Raises whatever else the work raises.
        """
        while True:
            try:
                return await work()
            except StoreAway as error:
                reason = str(error)
            except BaseExceptionGroup as group:
                away, others = group.split(StoreAway)
                if others is not None or away is None:
                    raise
                reason = str(away.exceptions[0])
            await self._until_back(reason)

    async def _until_back(self, reason: str) -> None:
        """Wait until the probe passes; all work of the process waits for one and the same."""
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.create_task(self._wait(reason), name="waiting for the store")
        await asyncio.shield(self._waiting)

    async def _wait(self, reason: str) -> None:
        log, began = structlog.get_logger(), time.monotonic()
        log.warning("store_away", reason=reason)
        _away[id(self)] = began
        try:
            while True:
                await asyncio.sleep(_TRY_EVERY)
                try:
                    await asyncio.to_thread(self._probe)
                except StoreAway:
                    continue
                break
        finally:
            del _away[id(self)]
        log.info("store_back", seconds=round(time.monotonic() - began, 1))
