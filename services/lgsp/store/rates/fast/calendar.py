"""Working time of many instants at once; the rules are those of domain/working_time.py."""

import numpy as np
import numpy.typing as npt

from lgsp.domain.working_time import (
    AFTERNOON,
    DAY_MS,
    EVENING,
    MORNING,
    NOON,
    OFFSET_MS,
    WORKING_DAY_MS,
    Calendar,
)
from lgsp.runtime.avro.event_columns import within

Ints = npt.NDArray[np.int64]


class FastCalendar:
    """The vectorised twin of a Calendar; the caller asks only for instants that it covers."""

    def __init__(self, plain: Calendar) -> None:
        self.plain = plain
        self._first = plain.first
        working = np.array([plain.is_working(d) for d in range(plain.first, plain.last + 1)])
        self._working = working
        self._before = np.concatenate(([0], np.cumsum(working)))
        self._days = np.flatnonzero(working) + plain.first

    def covers(self, at: Ints) -> npt.NDArray[np.bool_]:
        """Tell which instants lie in the calendar's years."""
        return within(at, self.plain.years)

    def worked_until(self, at: Ints) -> Ints:
        """Return the working ms from the calendar's beginning to each instant."""
        day, of_day = np.divmod(at + OFFSET_MS, DAY_MS)
        i = day - self._first
        before_noon = np.clip(of_day, MORNING, NOON) - MORNING
        after_noon = np.clip(of_day, AFTERNOON, EVENING) - AFTERNOON
        worked: Ints = self._before[i] * WORKING_DAY_MS
        return worked + np.where(self._working[i], before_noon + after_noon, 0)

    def add_working_ms(self, start: Ints, duration: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return when `duration` (> 0) ms have passed, and which ends the calendar still knows."""
        full, rest = np.divmod(self.worked_until(start) + duration, WORKING_DAY_MS)
        whole = rest == 0
        full, rest = full - whole, np.where(whole, WORKING_DAY_MS, rest)
        known = full < len(self._days)
        day = self._days[np.minimum(full, len(self._days) - 1)]
        lunch = np.where(rest > NOON - MORNING, AFTERNOON - NOON, 0)
        return day * DAY_MS - OFFSET_MS + MORNING + rest + lunch, known
