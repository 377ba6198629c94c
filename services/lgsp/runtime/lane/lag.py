"""How far a lane is behind, written by what the lane cannot hold up.

On a thread with a Kafka client of its own: the lane's loop may stand still in the store, and then
the lag must be seen to grow.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from lgsp.domain.errors import LgspError
from lgsp.runtime import metrics
from lgsp.runtime.lane.flow import Lane


class LogEnds(Protocol):
    """What is asked of the broker (runtime/kafka/ends.py)."""

    def ends(self) -> Mapping[int, int]:
        """Return the next offset to be written of every partition."""
        ...

    def times(self, offsets: Mapping[int, int]) -> Mapping[int, int]:
        """Return when the record at each partition's offset was written, ms UTC."""
        ...


class LagWatch:
    """Writes records and seconds behind of each partition held.

    Args:
        lane: whose positions are looked at; dictionaries, which threads may read.
        clock: seconds since the epoch.
    """

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.time) -> None:
        self._lane, self._clock = lane, clock
        self._oldest: dict[int, tuple[int, float]] = {}  # partition -> offset, when it was written
        self._shown: set[int] = set()

    def look(self, log: LogEnds) -> None:
        """Compare the ends of the log with the positions.

        Raises:
            RetryableError: the broker does not answer. What is known to wait grows older.
        """
        positions = self._positions()
        try:
            ends = log.ends()
            behind = {p: max(0, ends.get(p, 0) - at) for p, at in positions.items()}
            waiting = {p: at for p, at in positions.items() if behind[p]}
            self._learn_oldest(log, waiting)
        except LgspError:
            self._show_ages(positions)
            raise
        for partition, records in behind.items():
            metrics.LAG.labels(self._lane.name, partition).set(records)
            metrics.STORED_OFFSET.labels(self._lane.name, partition).set(positions[partition])
        for partition in self._shown - positions.keys():  # another worker shows them now
            metrics.LAG.labels(self._lane.name, partition).set(0)
            metrics.LAG_SECONDS.labels(self._lane.name, partition).set(0)
        self._shown = set(positions)
        self._show_ages(positions)

    def _positions(self) -> dict[int, int]:
        held = {p: self._lane.handler.position(p) for p in tuple(self._lane.held)}
        return {p: at for p, at in held.items() if at is not None}

    def _learn_oldest(self, log: LogEnds, waiting: Mapping[int, int]) -> None:
        """Learn when the oldest record that waits in each partition was written."""
        self._oldest = {
            p: known for p, known in self._oldest.items() if waiting.get(p) == known[0]
        }
        new = {p: at for p, at in waiting.items() if p not in self._oldest}
        if new:
            now = self._clock()
            times = log.times(new)
            for partition, at in new.items():
                written = times[partition] / 1000 if partition in times else now
                self._oldest[partition] = at, min(written, now)

    def _show_ages(self, positions: Mapping[int, int]) -> None:
        now = self._clock()
        for partition in positions:
            _, since = self._oldest.get(partition, (0, now))
            metrics.LAG_SECONDS.labels(self._lane.name, partition).set(now - since)
