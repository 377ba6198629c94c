"""Faust's aiokafka consumer with the lane's topic taken out of its per-message path.

Depends on private names of faust-streaming 0.15.3 (tests/runtime/lane/test_flow.py pins them).
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from lgsp.runtime.kafka.raw_records import use_raw_records
from lgsp.runtime.lane.flow import Lane


def make_transport(app: Any, lane: Lane) -> Transport:
    """Return a transport for the Faust app whose consumer feeds the lane."""
    use_raw_records(lane.topic)
    bound = type("LaneConsumer", (_LaneConsumer,), {"lane": lane, "__module__": __name__})
    # Faust makes the consumer itself, from a class that the transport names.
    made = type("LaneTransport", (Transport,), {"Consumer": bound})(app.conf.broker, app)
    assert isinstance(made, Transport)  # noqa: S101
    return made


class _LaneConsumer(Consumer):
    """Faust's aiokafka consumer with the lane's topic taken out of the per-message path."""

    lane: Lane

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._durable: dict[TP, int] = {}

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
                    await self.lane.offer(tp, found, end=self.highwater(tp))
        nothing: tuple[tuple[TP, Any], ...] = ()
        for item in nothing:
            yield item

    def acknowledge(self, generation: int, tp: TP, next_offset: int) -> None:
        """Let Faust's commit timer report `next_offset`, unless a rebalance came in between."""
        if generation == self.app.consumer_generation_id:
            self._durable[tp] = next_offset

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self._durable):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic == self.lane.topic:
            return self._durable.pop(tp, None)
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
                self._durable.pop(tp, None)
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
            self._durable.pop(tp, None)
        for partition in mine:
            self.lane.closed(partition)
