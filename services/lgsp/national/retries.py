"""When a failed push is tried again, and when its budget of working days is spent. Pure."""

import random
from collections.abc import Callable

from lgsp.domain.working_time import WORKING_DAY_MS, Calendar, add_working_ms

_FIRST_MS = 1000


class Retries:
    """Exponential waiting with a cap and jitter, inside a budget of working days.

    Args:
        budget_days: working days of 8 hours from the first failure until the dossier is parked.
        longest: most seconds between two attempts.
        calendar: working days.
        jitter: gives a number in [0, 1).
    """

    def __init__(
        self,
        budget_days: float,
        longest: float,
        calendar: Calendar,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._budget = int(budget_days * WORKING_DAY_MS)
        self._longest = int(longest * 1000)
        self._calendar = calendar
        self._jitter = jitter

    @property
    def longest(self) -> int:
        """Most milliseconds between two attempts without the portal's advice."""
        return self._longest

    def next_at(self, now: int, attempts: int, wait: float | None) -> int:
        """Return when to try again (ms UTC), never before the portal's advice in seconds."""
        doubled = _FIRST_MS << min(max(attempts - 1, 0), 30)
        pause = min(doubled, self._longest)
        return now + max(int(pause * (0.5 + self._jitter() / 2)), int((wait or 0) * 1000))

    def spent(self, failing_since: int, now: int) -> bool:
        """Tell whether the budget that began at `failing_since` (ms UTC) is spent."""
        return now >= add_working_ms(failing_since, self._budget, self._calendar)
