"""The mock's time: it stands still, runs at a speed, and can be put forward."""

import time
from collections.abc import Callable

from lgsp.domain.errors import ConfigurationError


class PortalClock:
    """Simulated time in ms UTC that never goes back.

    Args:
        start: where it stands at first.
        speed: simulated seconds a real second; 0: it stands still.
        monotonic: real seconds.
    """

    def __init__(
        self, start: int, speed: float = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._base, self._speed, self._monotonic = start, speed, monotonic
        self._since = monotonic()

    def now(self) -> int:
        """Return the simulated instant."""
        return self._base + int((self._monotonic() - self._since) * self._speed * 1000)

    def advance(self, to: int) -> None:
        """Put the clock forward; ConfigurationError when that would be back."""
        if to < self.now():
            raise ConfigurationError("the portal's time cannot go back")
        self._base, self._since = to, self._monotonic()
