"""The lane: whole partition batches from a consumer to a handler that makes them durable.

Faust's agents cost 80-200 us an event and commit past failed work (docs/adr/0004), so a processor
reads its topic here instead: group, rebalance and commit timer stay Faust's; records go in lists,
one list a partition, to a handler which stores state and position in one transaction. The stored
position is the truth: an assigned partition starts there, whatever Kafka's own offset says. Every
offset must hold a record, so that a missing one shows: a lane's topic is not compacted, and
nobody writes it in transactions.

The consumer is a protocol (runtime/lane/consumer.py), made with Faust by runtime/lane/faust.py;
runtime/lane/watch.py sees that no partition stands still.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.consumer import LaneConsumer
from lgsp.runtime.lane.handler import FencedError, LaneHandler

_QUEUED_BATCHES = 16
_LONG_BACKLOG = 2000  # records known to wait in the log: more than these are worth waiting for
_GATHER = 0.1  # seconds in which the next ones must come


class Lane:
    """One topic's way from the consumer to the handler, and what is known of its progress.

    `client_id` is what its consumer calls itself in the group, for others to know it by.
    """

    def __init__(
        self,
        name: str,
        topic: str,
        handler: LaneHandler,
        *,
        batch_events: int,
        client_id: str = "lgsp",
    ) -> None:
        self.name = name
        self.client_id = client_id
        self.topic = topic
        self.handler = handler
        self.batch_events = batch_events
        self.ends: dict[int, int] = {}  # partition -> end of the log as last seen
        self.held: set[int] = set()  # partitions that are ours now
        self.joined = False  # whether the group has given us partitions to read
        self.catching_up = False  # a long backlog waits: how much counts, not how soon
        self.starving = False  # the handler waits for records, and none are queued
        self.starved_at = time.monotonic()  # when it last had nothing to do
        self.last_progress = time.monotonic()
        self._queue: asyncio.Queue[tuple[int, list[Any]]] = asyncio.Queue(_QUEUED_BATCHES)
        self._gone_back: dict[int, int] = {}  # partition -> offset it was last sent back to
        self._log = structlog.get_logger().bind(lane=name, topic=topic)

    @property
    def lag(self) -> dict[int, int]:
        """Records in the log but not in the store, of each partition held."""
        held = {p: self.handler.position(p) for p in self.ends}
        return {p: max(0, self.ends[p] - at) for p, at in held.items() if at is not None}

    @property
    def moving(self) -> bool:
        """False when records have waited for a minute with nothing stored: alive but stuck."""
        return not any(self.lag.values()) or time.monotonic() - self.last_progress < 60

    async def offer(self, partition: int, records: list[Any], *, end: int | None) -> None:
        """Queue what was fetched; waits (back-pressure) while the handler is behind.

        `end` is the partition's end in the log as the fetch saw it, None when it did not.
        """
        self.note_end(partition, max(end or 0, records[-1].offset + 1))
        await self._queue.put((partition, records))

    def note_end(self, partition: int, end: int) -> None:
        """Note how far a partition of the log goes; with no lag, waiting is no standstill."""
        self.ends[partition] = max(end, self.ends.get(partition, 0))
        if not any(self.lag.values()):
            self.last_progress = time.monotonic()

    async def read_again(self, partition: int) -> None:
        """Have the partition read from its stored position, before anything queued later."""
        await self._queue.put((partition, []))

    def drop(self, partitions: frozenset[int] | None = None) -> None:
        """Drop queued records of the partitions (None: of all); they will be fetched again."""
        kept = []
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if partitions is not None and item[0] not in partitions:
                kept.append(item)
        for item in kept:
            self._queue.put_nowait(item)

    async def start_over(self, consumer: LaneConsumer) -> None:
        """Read every partition from its stored position: of what was under way nothing is sure."""
        self.drop()
        for partition in tuple(self.held):
            await self._go_back(consumer, partition)

    async def run(self, consumer: LaneConsumer) -> None:
        """Feed the handler until cancelled; an error of the handler ends the process."""
        while True:
            await self.step(consumer)
            await asyncio.sleep(0)  # let the consumer's tasks run between batches of a backlog

    async def step(self, consumer: LaneConsumer) -> None:
        """Wait for records, gather a batch, and apply it.

        Live, a batch is what has come; behind a long backlog it is filled up to the batch size.
        """
        if self._queue.empty():
            self.starving, self.catching_up = True, False
        items = [await self._queue.get()]
        if self.starving:
            self.starving, self.starved_at = False, time.monotonic()
        count = len(items[0][1])
        while count < self.batch_events:
            try:
                items.append(self._queue.get_nowait())
            except asyncio.QueueEmpty:
                if sum(self.lag.values()) - count < _LONG_BACKLOG:
                    break
                try:
                    async with asyncio.timeout(_GATHER):
                        items.append(await self._queue.get())
                except TimeoutError:
                    break
            count += len(items[-1][1])
        self.catching_up = sum(self.lag.values()) - count >= _LONG_BACKLOG
        batches, gaps = self._fit(items)
        if batches:  # first: what fits may not fit any more when a gap has been waited for
            await self._apply(consumer, batches)
        for partition in gaps:
            await self._go_back(consumer, partition)

    def _fit(self, items: list[tuple[int, list[Any]]]) -> tuple[list[Batch], set[int]]:
        """Join what was queued into one batch a partition that starts at its stored position.

        Returns:
            The batches, and the partitions of which records are missing.
        """
        wanted: dict[int, list[Any]] = {}
        gaps: set[int] = set()
        for partition, records in items:
            position = self.handler.position(partition)
            if position is None or partition in gaps:
                continue
            if not records:  # asked for by read_again()
                gaps.add(partition)
                continue
            held = wanted.get(partition)
            expected = held[-1].offset + 1 if held else position
            if records[-1].offset < expected:
                continue
            fresh = records
            if records[0].offset < expected:
                fresh = [r for r in records if r.offset >= expected]
            if fresh[0].offset > expected:
                gaps.add(partition)
                continue
            wanted.setdefault(partition, []).extend(fresh)
        return [Batch(p, records) for p, records in wanted.items()], gaps

    async def _apply(self, consumer: LaneConsumer, batches: list[Batch]) -> None:
        generation = consumer.generation
        with metrics.BATCH_SECONDS.labels(self.name).time():
            try:
                await self.handler.apply(batches)
            except FencedError as fenced:
                metrics.FENCED.labels(self.name).inc()
                self._log.warning("lane_fenced", partitions=sorted(fenced.partitions))
                for partition in {b.partition for b in batches}:
                    await self._go_back(consumer, partition)
                return
        self.last_progress = time.monotonic()
        metrics.LAST_BATCH.labels(self.name).set_to_current_time()
        metrics.BATCHES.labels(self.name).inc()
        metrics.EVENTS_IN.labels(self.name).inc(sum(len(b.records) for b in batches))
        for batch in batches:
            self._gone_back.pop(batch.partition, None)
            consumer.acknowledge(generation, batch.partition, batch.next_offset)

    async def _go_back(self, consumer: LaneConsumer, partition: int) -> None:
        """Go back to the stored position: after a fence, or when records are missing."""
        if self.handler.position(partition) is None:
            return  # taken from us meanwhile: it is not ours to open
        offset = self.handler.open_partition(partition)
        if self._gone_back.get(partition) == offset:
            first = 0
            with suppress(RetryableError):  # the broker is away: the next time will tell
                first = await consumer.earliest_offset(partition)
            if first > offset:
                raise FatalError(
                    f"{self.topic}/{partition}: the log starts at {first}, the store stands at"
                    f" {offset}: records were deleted before they were read"
                )
        self._gone_back[partition] = offset
        self.drop(frozenset({partition}))
        await consumer.seek(partition, offset)

    def opened(self, partition: int, offset: int) -> None:
        """Note that a partition was assigned and is read from `offset`."""
        self._gone_back.pop(partition, None)
        self.held.add(partition)
        metrics.PARTITIONS.labels(self.name).set(len(self.held))
        self.last_progress = time.monotonic()
        self._log.info("partition_opened", partition=partition, offset=offset)

    def closed(self, partition: int) -> None:
        """Note that a partition went to another worker."""
        self.handler.close_partition(partition)
        self.ends.pop(partition, None)
        self.held.discard(partition)
        metrics.PARTITIONS.labels(self.name).set(len(self.held))
        self._gone_back.pop(partition, None)
