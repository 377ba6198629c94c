"""The lane's consumer: a Faust app, its aiokafka consumer with the topic taken whole.

The only module that knows Faust, and aiokafka only through Faust's driver. It depends on private
names of faust-streaming; tests/runtime/private_names.toml lists them, and the version is pinned.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

import faust
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from lgsp.domain.errors import FatalError
from lgsp.runtime.kafka.errors import as_retryable
from lgsp.runtime.kafka.raw_records import use_raw_records
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.settings import Settings


class FaustConsumer:
    """A lane's consumer (runtime/lane/consumer.py says what it promises).

    Group, assignor, rebalance and commit timer are Faust's; the group is `lgsp-<lane>`.
    """

    def __init__(self, settings: Settings, lane: Lane) -> None:
        self.app = make_app(settings, lane)
        self._topic = lane.topic

    @property
    def generation(self) -> int:
        """Number of the group's assignment."""
        return int(self.app.consumer_generation_id)

    def assignment(self) -> frozenset[int]:
        """Return the partitions that are ours."""
        try:
            assigned = self._consumer.assignment()
        except ConsumerNotStarted:
            return frozenset()
        return frozenset(tp.partition for tp in assigned if tp.topic == self._topic)

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Ask the broker for the offset that each partition's next record will get."""
        asked = [TP(self._topic, partition) for partition in sorted(partitions)]
        with as_retryable(f"the ends of {self._topic} are not known"):
            found = await self._consumer.highwaters(*asked)
        return {tp.partition: end for tp, end in found.items()}

    async def earliest_offset(self, partition: int) -> int:
        """Ask the broker for the first offset that it still keeps."""
        tp = TP(self._topic, partition)
        with as_retryable(f"the beginning of {tp.topic}/{partition} is not known"):
            found = await self._consumer.earliest_offsets(tp)
        return int(found.get(tp, 0))

    async def seek(self, partition: int, offset: int) -> None:
        """Fetch the partition from `offset` next."""
        await self._consumer.seek(TP(self._topic, partition), offset)

    def resume(self, partition: int) -> None:
        """Fetch the partition again that something has paused."""
        self._consumer.resume_partitions({TP(self._topic, partition)})

    def acknowledge(self, generation: int, partition: int, next_offset: int) -> None:
        """Let Faust's commit timer report `next_offset`."""
        if generation == self.generation:
            self._consumer.durable[TP(self._topic, partition)] = next_offset

    async def run(self) -> None:
        """Join the group and feed the lane until `stop`."""
        await self.app.start()
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise FatalError(f"Faust: {self.app.crash_reason!r}") from self.app.crash_reason

    async def stop(self) -> None:
        """Report what is durable and leave the group."""
        await self.app.stop()

    @property
    def _consumer(self) -> "_WholeBatches":
        consumer = self.app.consumer
        assert isinstance(consumer, _WholeBatches)  # noqa: S101 - see make_app
        return consumer


def make_app(settings: Settings, lane: Lane) -> faust.App:
    """Return the Faust app of a lane: group `lgsp-<lane>`, no Tables, no web server."""
    data = settings.data / "faust"
    data.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"lgsp-{lane.name}",
        broker_client_id=lane.client_id,
        broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
        datadir=data / lane.name,
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.batch_events,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 5,
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_linger_ms=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    use_raw_records(lane.topic)
    bound = type("LaneConsumer", (_WholeBatches,), {"lane": lane, "__module__": __name__})
    # Faust makes the consumer itself, from a class that the transport names.
    transport = type("LaneTransport", (Transport,), {"Consumer": bound})
    app.transport = transport(app.conf.broker, app)
    app.topics.add(app.topic(lane.topic, value_serializer="raw", partitions=settings.partitions))
    return app


class _WholeBatches(Consumer):
    """Faust's aiokafka consumer with the lane's topic taken out of the per-message path.

    `durable` holds what is stored and not yet reported to Kafka.
    """

    lane: Lane

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.durable: dict[TP, int] = {}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Offer the lane its records whole; nothing is left for agents, the app has none.

        The lane gets them even when Faust's flow is stopped: a fetch that began before a
        rebalance may end after the seek to the stored positions, and its records come only once.
        Records of a partition that is not open yet were fetched before that seek.
        """
        records, _ = await self._wait_next_records(timeout)
        if not self.should_stop:
            for tp, found in (records or {}).items():
                if found and self.lane.handler.position(tp.partition) is not None:
                    await self.lane.offer(tp.partition, found, end=self.highwater(tp))
        nothing: tuple[tuple[TP, Any], ...] = ()
        for item in nothing:
            yield item

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Say nothing: Faust watches its streams, the lane has none and watches itself."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self.durable):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic == self.lane.topic:
            return self.durable.pop(tp, None)
        offset: int | None = super()._new_offset(tp)
        return offset

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek the lane's partitions to the stored positions, the others as Faust does."""
        offsets = dict(await super().seek_to_committed())
        self.lane.joined = True
        self.lane.drop()
        for tp in list(self.assignment()):
            if tp.topic == self.lane.topic:
                offset = self.lane.handler.open_partition(tp.partition)
                self.durable.pop(tp, None)
                await self._seek(tp, offset)
                offsets[tp] = offset
                self.lane.opened(tp.partition, offset)
        return offsets

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek in the consumer's thread; from ours (Faust's way) it breaks a fetch under way.

        A partition that was taken from us meanwhile is left alone.
        """

        async def seek() -> None:
            if partition in self._thread.assignment():
                self._thread.seek(partition, offset)

        await self._thread.call_thread(seek)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the revoked partitions before another worker loads them."""
        mine = frozenset(tp.partition for tp in revoked if tp.topic == self.lane.topic)
        self.lane.drop(mine)
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.durable.pop(tp, None)
        for partition in mine:
            self.lane.closed(partition)
