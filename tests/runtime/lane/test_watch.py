"""The lane watch: a partition that nobody reads is read again, and then ends the process."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import pytest
from tests.runtime.lane.fakes import TOPIC, FakeConsumer, FakeHandler, records
from tests.turns import cancelled_in_every_turn

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.watch import LaneWatch


class Broker(FakeConsumer):
    """Says where the log ends, unless it is away."""

    away = False

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        if self.away:
            raise RetryableError("no broker")
        return await super().ends(partitions)


class Watched:
    """A lane of two partitions at offset 5, its watch, and the time."""

    def __init__(self, ends: Mapping[int, int]) -> None:
        self.began = self.now = time.monotonic()
        self.handler = FakeHandler({0: 5, 1: 5})
        self.lane = Lane("test", TOPIC, self.handler, batch_events=100)
        for partition in (0, 1):
            self.lane.opened(partition, 5)
        self.broker = Broker(ends)
        self.watch = LaneWatch(self.lane, self.broker, lambda: self.now)
        self.lane.starving = True

    async def look_for(self, seconds: int) -> None:
        """Look every five seconds of the clock."""
        for _ in range(0, seconds, 5):
            await self.watch.look()
            self.now += 5


async def test_the_lag_is_what_the_broker_says() -> None:
    at = Watched({0: 12, 1: 5})
    await at.look_for(5)

    assert at.lane.lag == {0: 7, 1: 0}


async def test_a_partition_nobody_reads_is_read_again_from_its_stored_position() -> None:
    at = Watched({0: 12, 1: 5})
    await at.look_for(40)
    assert at.broker.resumed == [0]  # once

    await at.lane.step(at.broker)
    assert at.broker.seeks == [(0, 5)]

    await at.lane.offer(0, records(*range(5, 12)), end=12)
    await at.lane.step(at.broker)
    at.lane.starving = True
    await at.look_for(200)
    assert at.handler.position(0) == 12
    assert at.broker.resumed == [0]


async def test_a_partition_that_stays_unread_ends_the_process() -> None:
    at = Watched({0: 12, 1: 5})
    with pytest.raises(FatalError, match=r"dossier-events/0: stored up to 5, the log ends at 12"):
        await at.look_for(300)

    assert at.broker.resumed == [0]  # it was read again first
    assert 110 <= at.now - at.began <= 130


async def test_a_handler_that_takes_its_time_is_no_reason() -> None:
    at = Watched({0: 12, 1: 12})
    at.lane.starving = False  # it is applying something, and has been for long
    at.lane.starved_at = at.now - 300
    for position in range(5, 12):  # progress in one partition while the other waits in the queue
        at.handler.positions[1] = position
        at.lane.last_progress = at.now
        await at.look_for(60)

    assert at.broker.resumed == []


async def test_a_partition_given_away_is_forgotten() -> None:
    at = Watched({0: 12, 1: 5})
    await at.look_for(15)
    at.lane.closed(0)
    del at.broker.log_ends[0]
    await at.look_for(60)
    at.handler.open_partition(0)
    at.lane.opened(0, 5)
    at.broker.log_ends[0] = 12
    await at.look_for(20)

    assert at.broker.resumed == []


async def test_a_partition_that_is_never_opened_ends_the_process() -> None:
    at = Watched({0: 5, 1: 5, 2: 0})
    with pytest.raises(FatalError, match="dossier-events/2: stored up to None"):
        await at.look_for(120)

    assert at.now - at.began >= 90


async def test_a_broker_that_does_not_answer_shows_and_is_no_standstill() -> None:
    at = Watched({0: 6, 1: 5})
    await at.look_for(10)
    assert at.watch.broker_answers

    at.broker.away = True
    await at.look_for(300)
    assert not at.watch.broker_answers

    at.broker.away = False
    await at.look_for(15)
    assert at.watch.broker_answers
    assert at.broker.resumed == []


async def test_a_log_that_ends_before_what_is_counted_ends_the_process() -> None:
    at = Watched({0: 5, 1: 4})
    with pytest.raises(FatalError, match=r"/1: the log ends at 4, the store has counted up to 5"):
        await at.look_for(5)


async def test_waiting_for_the_first_record_in_hours_is_no_standstill() -> None:
    at = Watched({0: 5, 1: 5})
    at.lane.last_progress = at.now - 7200
    await at.look_for(5)
    await at.lane.offer(0, records(5), end=6)

    assert at.lane.moving


class SlowBroker(FakeConsumer):
    """Answers after some turns of the loop; every third time not at all."""

    asked = 0

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        self.asked += 1
        if self.asked % 3 == 0:
            await asyncio.sleep(15)
            raise RetryableError("a rebalance")
        for _ in range(4):
            await asyncio.sleep(0)
        return await super().ends(partitions)


def test_a_cancelled_watch_ends_in_whatever_turn_it_comes() -> None:
    def watch() -> Coroutine[Any, Any, None]:
        lane = Lane("test", TOPIC, FakeHandler({0: 5, 1: 5}), batch_events=100)
        return LaneWatch(lane, SlowBroker({0: 5, 1: 5})).run()

    assert cancelled_in_every_turn(watch, most=100) == 100
