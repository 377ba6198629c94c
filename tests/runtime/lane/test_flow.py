"""The lane: what it hands on, what it drops, and the private names of Faust it stands on."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from faust.transport.consumer import Consumer as AbstractConsumer
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from lgsp.domain.errors import FatalError
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.handler import FencedError
from lgsp.runtime.lane.worker import make_app
from lgsp.runtime.settings import Settings

TOPIC = "dossier-events"


@dataclass
class Kept:
    """A record, as far as the lane looks at it."""

    offset: int
    key: bytes | None = None
    value: bytes | None = None
    timestamp: int = 0


class Handler:
    """Keeps positions and what was applied."""

    def __init__(self, positions: dict[int, int], fence: frozenset[int] = frozenset()) -> None:
        self.positions = positions
        self.stored = dict(positions)
        self.fence = fence
        self.applied: list[tuple[int, list[int]]] = []

    def open_partition(self, partition: int) -> int:
        self.positions[partition] = self.stored.setdefault(partition, 0)
        return self.positions[partition]

    def close_partition(self, partition: int) -> None:
        self.positions.pop(partition, None)

    def position(self, partition: int) -> int | None:
        return self.positions.get(partition)

    async def apply(self, batches: Sequence[Batch]) -> None:
        if lost := self.fence & {b.partition for b in batches}:
            raise FencedError(lost)
        for batch in batches:
            self.applied.append((batch.partition, [r.offset for r in batch.records]))
            self.positions[batch.partition] = batch.next_offset


class FakeConsumer:
    """What the lane asks of Faust's consumer."""

    def __init__(self, earliest: int = 0) -> None:
        self.earliest = earliest
        self.seeks: list[tuple[TP, int]] = []
        self.acknowledged: list[tuple[int, TP, int]] = []

    async def seek(self, tp: TP, offset: int) -> None:
        self.seeks.append((tp, offset))

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self.earliest)

    def acknowledge(self, generation: int, tp: TP, next_offset: int) -> None:
        self.acknowledged.append((generation, tp, next_offset))


class App:
    """What the lane asks of the Faust app."""

    consumer_generation_id = 3

    def __init__(self, consumer: FakeConsumer) -> None:
        self.consumer = consumer


def records(*offsets: int) -> list[Any]:
    return [Kept(o) for o in offsets]


async def turn(lane: Lane, app: App, *items: tuple[int, list[Any]]) -> None:
    """Offer (partition, records) and run the lane until it waits again."""
    for partition, found in items:
        await lane.offer(TP(TOPIC, partition), found, end=None)
    await lane.step(app)


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def make(handler: Handler) -> Lane:
    return Lane("test", TOPIC, handler, batch_events=100)


async def test_fetches_of_one_partition_become_one_batch(consumer: FakeConsumer) -> None:
    handler = Handler({0: 5, 1: 0})
    await turn(
        make(handler),
        App(consumer),
        (0, records(5, 6)),
        (1, records(0)),
        (0, records(7)),
    )

    assert handler.applied == [(0, [5, 6, 7]), (1, [0])]
    assert consumer.acknowledged == [(3, TP(TOPIC, 0), 8), (3, TP(TOPIC, 1), 1)]


async def test_records_already_stored_are_cut_off(consumer: FakeConsumer) -> None:
    handler = Handler({0: 7})
    await turn(make(handler), App(consumer), (0, records(5, 6, 7, 8)))

    assert handler.applied == [(0, [7, 8])]


async def test_batches_of_a_partition_not_held_are_dropped(consumer: FakeConsumer) -> None:
    handler = Handler({0: 0})
    await turn(make(handler), App(consumer), (4, records(0)))

    assert handler.applied == []


async def test_a_gap_is_never_jumped_but_read_again(consumer: FakeConsumer) -> None:
    handler = Handler({0: 5})
    await turn(make(handler), App(consumer), (0, records(7, 8)))

    assert handler.applied == []
    assert consumer.seeks == [(TP(TOPIC, 0), 5)]


async def test_a_rebalance_while_a_gap_is_waited_for(consumer: FakeConsumer) -> None:
    """What is taken from us meanwhile is neither folded nor opened; what fitted is folded."""
    handler = Handler({0: 5, 1: 5, 2: 5})
    lane = make(handler)

    async def seek(tp: TP, offset: int) -> None:
        consumer.seeks.append((tp, offset))
        for partition in (1, 2):
            lane.closed(partition)

    consumer.seek = seek  # type: ignore[method-assign]
    await turn(lane, App(consumer), (0, records(7)), (1, records(5)), (2, records(7)))

    assert handler.applied == [(1, [5])]
    assert not {1, 2} & handler.positions.keys()


async def test_a_partition_can_be_asked_for_again(consumer: FakeConsumer) -> None:
    handler = Handler({0: 5})
    lane = make(handler)
    await lane.read_again(0)
    await turn(lane, App(consumer), (0, records(5)))

    assert handler.applied == []  # what was queued comes again behind the seek
    assert consumer.seeks == [(TP(TOPIC, 0), 5)]


async def test_what_was_fetched_while_the_flow_is_stopped_reaches_the_lane(
    settings: Settings,
) -> None:
    """A fetch may begin before a rebalance and end behind the seek: its records come only once."""
    handler = Handler({0: 5})
    lane = make(handler)
    consumer: Any = make_app(settings, lane).consumer
    tp = TP(TOPIC, 0)

    async def fetched(_timeout: float) -> tuple[dict[TP, list[Any]], set[TP]]:
        return {tp: records(5, 6)}, set()

    with patch.multiple(consumer, _wait_next_records=fetched, highwater=lambda _tp: 9):
        consumer.stop_flow()
        assert [item async for item in consumer.getmany(1.0)] == []
        await lane.step(App(FakeConsumer()))
    consumer._thread.thread_loop.close()

    assert handler.applied == [(0, [5, 6])]
    assert lane.lag == {0: 2}


async def test_records_deleted_before_they_were_read_stop_the_process() -> None:
    consumer = FakeConsumer(earliest=7)
    lane = make(Handler({0: 5}))
    await turn(lane, App(consumer), (0, records(7)))
    with pytest.raises(FatalError, match="starts at 7, the store stands at 5"):
        await turn(lane, App(consumer), (0, records(7)))


async def test_a_fenced_worker_reloads_and_acknowledges_nothing(consumer: FakeConsumer) -> None:
    handler = Handler({0: 0}, fence=frozenset({0}))
    handler.stored[0] = 4  # where the other worker has come to
    await turn(make(handler), App(consumer), (0, records(0, 1)))

    assert consumer.seeks == [(TP(TOPIC, 0), 4)]
    assert consumer.acknowledged == []
    assert handler.position(0) == 4


async def test_revoked_partitions_leave_nothing_in_the_queue(consumer: FakeConsumer) -> None:
    handler = Handler({0: 0, 1: 0})
    lane = make(handler)
    await lane.offer(TP(TOPIC, 0), records(0), end=None)
    lane.drop(frozenset({0}))
    lane.closed(0)
    await turn(lane, App(consumer), (1, records(0)))

    assert handler.applied == [(1, [0])]
    assert handler.position(0) is None


def test_the_private_names_of_faust_are_those_of_the_pinned_version() -> None:
    assert version("faust-streaming") == "0.15.3"
    for name in (
        "_filter_tps_with_pending_acks",
        "_new_offset",
        "_wait_next_records",
        "_to_message",
        "_seek",
        "seek_to_committed",
        "on_partitions_revoked",
        "resume_partitions",
        "assignment",
        "highwater",
        "highwaters",
        "earliest_offsets",
    ):
        assert callable(getattr(Consumer, name)), name
    assert list(inspect.signature(AbstractConsumer._new_offset).parameters) == ["self", "tp"]
    source = inspect.getsource(AbstractConsumer)
    for name in ("_read_offset", "_buffered_partitions", "scheduler", "flow_active"):
        assert name in source, name
