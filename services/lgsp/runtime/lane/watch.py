"""Asks the broker how far the log goes, and acts when records wait there that nobody reads.

The lane itself knows only what was fetched. A consumer that stops fetching a partition (after a
rebalance, say) looks to it like a partition where nothing happens. Here the broker is asked, so
the lag is true, and a partition that stands still is read again, then ends the process.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from lgsp.domain.errors import FatalError
from lgsp.runtime import metrics
from lgsp.runtime.lane.flow import Lane

_EVERY = 5.0  # seconds between two looks
_ANSWER_IN = 10.0  # seconds for the broker's answer
_READ_AGAIN_AFTER = 20.0  # seconds that records of a partition may wait unread
_GIVE_UP_AFTER = 90.0  # seconds after it was read again, or unopened since it was assigned
_SILENT_AFTER = 30.0  # seconds without an answer of the broker before /readyz says so


@dataclass
class _Still:
    """A partition seen at a position (None: not open), and what was done about it."""

    position: int | None
    since: float
    read_again: bool = False


@dataclass
class _Question:
    """Where the log ends, asked when the positions were these: no answer can be below them."""

    positions: dict[TP, int | None]
    answer: asyncio.Future[dict[TP, int]]


class LaneWatch:
    """Keeps a lane's known ends true and its partitions moving.

    Args:
        lane: whose partitions are looked at.
        clock: monotonic seconds, the lane's.
    """

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self._lane = lane
        self._clock = clock
        self._answered = clock()
        self._question: _Question | None = None
        self._still: dict[int, _Still] = {}
        self._log = structlog.get_logger().bind(lane=lane.name)

    @property
    def broker_answers(self) -> bool:
        """False when the broker, asked, has not said for half a minute how far the log goes."""
        return self._clock() - self._answered < _SILENT_AFTER

    async def run(self, app: Any) -> None:
        """Look every few seconds until cancelled.

        Raises:
            FatalError: a partition's records stay unread although it was read again; it was
                never opened; or the log ends before what the store has counted.
        """
        try:
            while True:
                await self.look(app.consumer)
                await asyncio.sleep(_EVERY)
        finally:
            if self._question:
                self._question.answer.cancel()

    async def look(self, consumer: Any) -> None:
        """Compare the log's ends with what is stored, and act on partitions that stand still."""
        try:
            assigned = {tp for tp in consumer.assignment() if tp.topic == self._lane.topic}
        except ConsumerNotStarted:
            assigned = set()
        if not assigned:
            self._still.clear()
            self._answered = self._clock()
            return
        question = await self._ask(consumer, assigned)
        if question is None:
            return
        now = self._clock()
        if now - self._answered > _ANSWER_IN + 2 * _EVERY:
            self._still.clear()  # whatever stood still, we were not there to see it
        self._answered = now
        for partition in self._still.keys() - {tp.partition for tp in assigned}:
            del self._still[partition]
        for tp, end in question.answer.result().items():
            if tp in assigned:
                self._compare(tp, question.positions[tp], end)
                await self._see(consumer, TP(*tp), end)

    async def _ask(self, consumer: Any, assigned: set[TP]) -> _Question | None:
        """Return an answered question, None without an answer. One at a time: it may hang."""
        if self._question is None:
            positions = {tp: self._lane.handler.position(tp.partition) for tp in assigned}
            answer = asyncio.ensure_future(consumer.highwaters(*sorted(assigned)))
            self._question = _Question(positions, answer)
        question = self._question
        try:
            await asyncio.wait_for(asyncio.shield(question.answer), _ANSWER_IN)
        except (KafkaError, TimeoutError) as error:  # a rebalance, or the broker is away
            self._log.warning("log_end_unknown", error=repr(error))
            if question.answer.done():
                self._question = None
            return None
        self._question = None
        return question

    def _compare(self, tp: TP, position: int | None, end: int) -> None:
        if position is not None and end < position:
            raise FatalError(
                f"{tp.topic}/{tp.partition}: the log ends at {end}, the store has counted up to"
                f" {position}: it is another log, or it has lost its end"
            )

    async def _see(self, consumer: Any, tp: TP, end: int) -> None:
        lane, now, partition = self._lane, self._clock(), tp.partition
        position = lane.handler.position(partition)
        if position is not None:
            lane.note_end(partition, end)
            lane.report(partition)
        still = self._still.get(partition)
        if still is None or still.position != position or not self._waits(partition, position):
            self._still[partition] = _Still(position, now)
        elif position is None or still.read_again:
            if now - still.since > _GIVE_UP_AFTER:
                raise FatalError(
                    f"{lane.topic}/{partition}: stored up to {position}, the log ends at {end},"
                    f" and nothing was read for {now - still.since:.0f} s"
                )
        elif now - still.since > _READ_AGAIN_AFTER:
            self._still[partition] = _Still(position, now, read_again=True)
            metrics.READ_AGAIN.labels(lane.name).inc()
            self._log.warning("partition_not_read", partition=partition, offset=position)
            consumer.resume_partitions({tp})
            await lane.read_again(partition)

    def _waits(self, partition: int, position: int | None) -> bool:
        """Whether it is not open, or its records wait and not because the handler has others."""
        lane = self._lane
        free = lane.starving or self._clock() - lane.starved_at < _EVERY
        return position is None or (free and lane.lag.get(partition, 0) > 0)
