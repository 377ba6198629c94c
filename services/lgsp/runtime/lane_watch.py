"""Asks the broker how far the log goes, and acts when records wait there that nobody reads.

The lane itself knows only what was fetched. A consumer that stops fetching a partition (after a
rebalance, say) looks to it like a partition where nothing happens. Here the broker is asked, so
the lag is true, and a partition that stands still is read again, then ends the process.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from lgsp.domain.errors import FatalError
from lgsp.runtime import metrics
from lgsp.runtime.lane import Lane

_EVERY = 5.0  # seconds between two looks
_ANSWER_IN = 10.0  # seconds for the broker's answer
_READ_AGAIN_AFTER = 20.0  # seconds that records of a partition may wait unread
_GIVE_UP_AFTER = 90.0
_SILENT_AFTER = 30.0  # seconds without an answer of the broker before /readyz says so


class LaneWatch:
    """Keeps a lane's known ends true and its partitions moving.

    Args:
        lane: whose partitions are looked at.
        clock: monotonic seconds.
    """

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self._lane = lane
        self._clock = clock
        self._answered = clock()
        self._still: dict[int, tuple[int, float]] = {}  # partition -> position, since when
        self._read_again: set[int] = set()
        self._log = structlog.get_logger().bind(lane=lane.name)

    @property
    def broker_answers(self) -> bool:
        """False when the broker has not said for half a minute how far the log goes."""
        return self._clock() - self._answered < _SILENT_AFTER

    async def run(self, app: Any) -> None:
        """Look every few seconds until cancelled.

        Raises:
            FatalError: a partition's records stay unread although it was read again.
        """
        while True:
            await self.look(app.consumer)
            await asyncio.sleep(_EVERY)

    async def look(self, consumer: Any) -> None:
        """Compare the log's ends with what is stored, and act on partitions that stand still."""
        held = [TP(self._lane.topic, partition) for partition in sorted(self._lane.held)]
        try:
            async with asyncio.timeout(_ANSWER_IN):
                ends = await consumer.highwaters(*held) if held else {}
        except (KafkaError, TimeoutError) as error:  # a rebalance, or the broker is away
            self._log.warning("log_end_unknown", error=repr(error))
            return
        self._answered = self._clock()
        for partition in self._still.keys() - self._lane.held:
            self._forget(partition)
        for tp, end in ends.items():
            if tp.partition in self._lane.held:
                await self._see(consumer, TP(*tp), end)

    async def _see(self, consumer: Any, tp: TP, end: int) -> None:
        lane, now, partition = self._lane, self._clock(), tp.partition
        lane.ends[partition] = max(end, lane.ends.get(partition, 0))
        lane.report(partition)
        position = lane.handler.position(partition)
        standing, since = self._still.get(partition, (None, now))
        if position is None or position != standing or not self._unread(partition):
            self._forget(partition)
            if position is not None:
                self._still[partition] = position, now
        elif now - since > _GIVE_UP_AFTER:
            raise FatalError(
                f"{lane.topic}/{partition}: stored up to {position}, the log ends at {end},"
                f" and nothing was read for {now - since:.0f} s"
            )
        elif now - since > _READ_AGAIN_AFTER and partition not in self._read_again:
            self._read_again.add(partition)
            metrics.READ_AGAIN.labels(lane.name).inc()
            self._log.warning("partition_not_read", partition=partition, offset=position)
            consumer.resume_partitions({tp})
            await lane.read_again(partition)

    def _unread(self, partition: int) -> bool:
        """Whether records wait in the log while the handler is not what they wait for."""
        lane = self._lane
        free = lane.starving or self._clock() - lane.last_progress < _EVERY
        return free and lane.lag.get(partition, 0) > 0

    def _forget(self, partition: int) -> None:
        self._still.pop(partition, None)
        self._read_again.discard(partition)
