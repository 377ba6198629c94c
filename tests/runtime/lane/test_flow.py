"""The lane: what it hands on, what it drops, and where it goes back to."""

from typing import Any

import pytest
from tests.runtime.lane.fakes import GENERATION, TOPIC, FakeConsumer, FakeHandler, records

from lgsp.domain.errors import FatalError
from lgsp.runtime.lane.flow import Lane


async def turn(lane: Lane, consumer: FakeConsumer, *items: tuple[int, list[Any]]) -> None:
    """Offer (partition, records) and run the lane until it waits again."""
    for partition, found in items:
        await lane.offer(partition, found, end=None)
    await lane.step(consumer)


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


def make(handler: FakeHandler) -> Lane:
    return Lane("test", TOPIC, handler, batch_events=100)


async def test_fetches_of_one_partition_become_one_batch(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 5, 1: 0})
    await turn(
        make(handler),
        consumer,
        (0, records(5, 6)),
        (1, records(0)),
        (0, records(7)),
    )

    assert handler.applied == [(0, [5, 6, 7]), (1, [0])]
    assert consumer.acknowledged == [(GENERATION, 0, 8), (GENERATION, 1, 1)]


async def test_records_already_stored_are_cut_off(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 7})
    await turn(make(handler), consumer, (0, records(5, 6, 7, 8)))

    assert handler.applied == [(0, [7, 8])]


async def test_batches_of_a_partition_not_held_are_dropped(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 0})
    await turn(make(handler), consumer, (4, records(0)))

    assert handler.applied == []


async def test_a_gap_is_never_jumped_but_read_again(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 5})
    await turn(make(handler), consumer, (0, records(7, 8)))

    assert handler.applied == []
    assert consumer.seeks == [(0, 5)]


async def test_a_rebalance_while_a_gap_is_waited_for(consumer: FakeConsumer) -> None:
    """What is taken from us meanwhile is neither folded nor opened; what fitted is folded."""
    handler = FakeHandler({0: 5, 1: 5, 2: 5})
    lane = make(handler)

    async def seek(partition: int, offset: int) -> None:
        consumer.seeks.append((partition, offset))
        for lost in (1, 2):
            lane.closed(lost)

    consumer.seek = seek  # type: ignore[method-assign]
    await turn(lane, consumer, (0, records(7)), (1, records(5)), (2, records(7)))

    assert handler.applied == [(1, [5])]
    assert not {1, 2} & handler.positions.keys()


async def test_a_partition_can_be_asked_for_again(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 5})
    lane = make(handler)
    await lane.read_again(0)
    await turn(lane, consumer, (0, records(5)))

    assert handler.applied == []  # what was queued comes again behind the seek
    assert consumer.seeks == [(0, 5)]


async def test_records_deleted_before_they_were_read_stop_the_process() -> None:
    consumer = FakeConsumer(earliest=7)
    lane = make(FakeHandler({0: 5}))
    await turn(lane, consumer, (0, records(7)))
    with pytest.raises(FatalError, match="starts at 7, the store stands at 5"):
        await turn(lane, consumer, (0, records(7)))


async def test_a_fenced_worker_reloads_and_acknowledges_nothing(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 0}, fence=frozenset({0}))
    handler.stored[0] = 4  # where the other worker has come to
    await turn(make(handler), consumer, (0, records(0, 1)))

    assert consumer.seeks == [(0, 4)]
    assert consumer.acknowledged == []
    assert handler.position(0) == 4


async def test_revoked_partitions_leave_nothing_in_the_queue(consumer: FakeConsumer) -> None:
    handler = FakeHandler({0: 0, 1: 0})
    lane = make(handler)
    await lane.offer(0, records(0), end=None)
    lane.drop(frozenset({0}))
    lane.closed(0)
    await turn(lane, consumer, (1, records(0)))

    assert handler.applied == [(1, [0])]
    assert handler.position(0) is None
