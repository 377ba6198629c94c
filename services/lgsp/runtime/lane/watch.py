"""Asks the broker how far the log goes, and acts when records wait there that nobody reads.

The lane itself knows only what was fetched. A consumer that stops fetching a partition (after a
rebalance, say) looks to it like a partition where nothing happens. Here the broker is asked, so
the lag is true, and a partition that stands still is read again, then ends the process.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.lane.consumer import LaneConsumer
from lgsp.runtime.lane.flow import Lane

_EVERY = 5.0  # seconds between two looks
_ANSWER_IN = 10.0  # seconds for the broker's answer
_READ_AGAIN_AFTER = 20.0  # seconds that records of a partition may wait unread
_GIVE_UP_AFTER = 90.0  # seconds after it was read again, or unopened since it was assigned
_SILENT_AFTER = 30.0  # seconds without an answer of the broker before /readyz says so


@dataclass
class _Seen:
    """Where a partition stands (None: not open), since when, and whether it was read again."""

    position: int | None
    since: float
    read_again: bool = False


@dataclass
class _Question:
    """Where the log ends, asked when the positions were these: no answer can be below them."""

    positions: Mapping[int, int | None]
    answer: asyncio.Future[Mapping[int, int]]


class LaneWatch:
    """Keeps a lane's known ends true and its partitions moving.

    Args:
        lane: whose partitions are looked at.
        consumer: the lane's; it asks the broker.
        clock: monotonic seconds, the lane's.
    """

    def __init__(
        self, lane: Lane, consumer: LaneConsumer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lane = lane
        self._consumer = consumer
        self._clock = clock
        self._answered = clock()
        self._question: _Question | None = None
        self._seen: dict[int, _Seen] = {}
        self._log = structlog.get_logger().bind(lane=lane.name)

    @property
    def broker_answers(self) -> bool:
        """False when the broker, asked, has not said for half a minute how far the log goes."""
        return self._clock() - self._answered < _SILENT_AFTER

    async def run(self) -> None:
        """Look every few seconds until cancelled.

        Raises:
            FatalError: a partition's records stay unread although it was read again; it was
                never opened; or the log ends before what the store has counted.
        """
        try:
            while True:
                await self.look()
                await asyncio.sleep(_EVERY)
        finally:
            if self._question:
                self._question.answer.cancel()

    async def look(self) -> None:
        """Compare the log's ends with what is stored, and act on partitions that stand still."""
        assigned = self._consumer.assignment()
        if not assigned:
            self._seen.clear()
            self._answered = self._clock()
            return
        question = await self._ask(assigned)
        if question is None:
            return
        now = self._clock()
        if now - self._answered > _ANSWER_IN + 2 * _EVERY:
            self._seen.clear()  # whatever stood still, we were not there to see it
        self._answered = now
        for partition in self._seen.keys() - assigned:
            del self._seen[partition]
        for partition, end in question.answer.result().items():
            if partition in assigned:
                self._check_end(partition, question.positions[partition], end)
                await self._check_progress(partition, end)

    async def _ask(self, assigned: frozenset[int]) -> _Question | None:
        """Return an answered question, None without an answer. One at a time: it may hang."""
        if self._question is None:
            positions = {at: self._lane.handler.position(at) for at in assigned}
            answer = asyncio.ensure_future(self._consumer.ends(assigned))
            self._question = _Question(positions, answer)
        question = self._question
        # Not asyncio.wait_for: it swallows a cancellation that comes together with the answer.
        await asyncio.wait({question.answer}, timeout=_ANSWER_IN)
        if not question.answer.done():
            self._log.debug("log_end_unknown", error=f"no answer in {_ANSWER_IN:.0f} s")
            return None
        self._question = None
        error = question.answer.exception()
        if isinstance(error, RetryableError):  # a rebalance, or the broker is away
            self._log.debug("log_end_unknown", error=str(error))
            return None
        return question

    def _check_end(self, partition: int, position: int | None, end: int) -> None:
        if position is not None and end < position:
            raise FatalError(
                f"{self._lane.topic}/{partition}: the log ends at {end}, the store has counted up"
                f" to {position}: it is another log, or it has lost its end; bring it back from a"
                " backup of Kafka's data, or move the store away (an empty one is filled from"
                " what the log has)"
            )

    async def _check_progress(self, partition: int, end: int) -> None:
        lane, now = self._lane, self._clock()
        position = lane.handler.position(partition)
        if position is not None:
            lane.note_end(partition, end)
        seen = self._seen.get(partition)
        if seen is None or seen.position != position or not self._waits(partition, position):
            self._seen[partition] = _Seen(position, now)
        elif position is None or seen.read_again:
            if now - seen.since > _GIVE_UP_AFTER:
                raise FatalError(
                    f"{lane.topic}/{partition}: stored up to {position}, the log ends at {end},"
                    f" and nothing was read for {now - seen.since:.0f} s"
                )
        elif now - seen.since > _READ_AGAIN_AFTER:
            self._seen[partition] = _Seen(position, now, read_again=True)
            metrics.READ_AGAIN.labels(lane.name).inc()
            self._log.warning("partition_not_read", partition=partition, offset=position)
            self._consumer.resume(partition)
            await lane.read_again(partition)

    def _waits(self, partition: int, position: int | None) -> bool:
        """Whether it is not open, or its records wait and not because the handler has others."""
        lane = self._lane
        free = lane.starving or self._clock() - lane.starved_at < _EVERY
        return position is None or (free and lane.lag.get(partition, 0) > 0)
