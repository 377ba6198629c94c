"""The breaker: when the whole portal fails, pushing pauses and one probe at a time tries again."""

import asyncio
import time
from collections.abc import Callable

_LONGEST = 60.0


class Breaker:
    """Opens when several different dossiers in a row met a failing portal, or when it asks us to.

    Different ones: a single dossier that always fails must not stop the others.

    Args:
        threshold: dossiers in a row.
        first: seconds of the first pause; it doubles with every failed probe up to a minute.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        threshold: int = 5,
        first: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._first = first
        self._clock = clock
        self._pause = 0.0
        self._until = 0.0
        self._failing: set[str] = set()
        self._probing = False
        self._moved = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether pushing is paused."""
        return self._pause > 0

    @property
    def portal_fails(self) -> bool:
        """Whether the portal as a whole fails, so that no single dossier is to blame."""
        return len(self._failing) >= self._threshold

    async def admit(self) -> bool:
        """Wait until a push may start; True: it is the probe of a paused portal.

        A probe must be followed by `succeeded`, `failed` or `released`.
        """
        while self.is_open:
            if self._probing:
                await self._moved.wait()
                continue
            self._probing = True
            try:
                await asyncio.sleep(max(0.0, self._until - self._clock()))
            except asyncio.CancelledError:
                self.released()
                raise
            return True
        return False

    def succeeded(self) -> None:
        """Note that the portal worked on a push, whatever it thought of it."""
        self._failing.clear()
        self._pause = 0.0
        self._move()

    def failed(self, dossier: str, *, probe: bool, wait: float | None = None) -> None:
        """Note that the portal did not work on the push of `dossier`; `wait`: its advice."""
        self._failing.add(dossier)
        if probe:
            self._open(min(self._pause * 2, _LONGEST), wait)
        elif not self.is_open and (wait is not None or self.portal_fails):
            self._open(self._first, wait)

    def released(self) -> None:
        """Give the probe back without an outcome."""
        self._move()

    def _open(self, pause: float, wait: float | None) -> None:
        self._pause = pause
        self._until = self._clock() + max(pause, wait or 0.0)
        self._move()

    def _move(self) -> None:
        self._probing = False
        self._moved.set()
        self._moved = asyncio.Event()
