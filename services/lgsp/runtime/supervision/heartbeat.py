"""Whether a loop is alive, proved by the loop itself."""

import asyncio
import time
from collections.abc import Callable, Mapping

_LIMIT = 30.0  # seconds that the loop may stand still before /healthz says so


class Heartbeat:
    """The heart of one loop; `checks` may be asked by any thread.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._last = self._clock()
            await asyncio.sleep(1)

    def checks(self) -> Mapping[str, bool]:
        """Return the check `loop`: false when it has stood still for half a minute."""
        return {"loop": self._clock() - self._last < _LIMIT}
