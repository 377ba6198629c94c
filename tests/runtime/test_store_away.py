"""Work waits for a store that is away: one line a change, from the stored positions on."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import _LaneWork
from lgsp.runtime.store_away import StoreAway, StoreWait, away_seconds
from tests.runtime.lane.fakes import TOPIC, FakeConsumer, FakeHandler, records
from tests.turns import VirtualLoop
from tests.waiting import until


class Store:
    """Away for a number of questions."""

    def __init__(self, away: int) -> None:
        self.away, self.waited = away, 0.0

    def ask(self) -> None:
        self.waited = max(self.waited, away_seconds())
        if self.away:
            self.away -= 1
            raise StoreAway("the store: database is locked")


def test_all_work_waits_for_one_probe_and_one_line_says_so() -> None:
    store, done = Store(away=10), []

    async def main() -> float:
        wait = StoreWait(store.ask)

        async def work(name: str) -> None:
            store.ask()
            done.append(name)

        async with asyncio.TaskGroup() as group:
            for name in ("lane", "publish", "wake"):
                group.create_task(wait.through_absence(partial(work, name)))
        return asyncio.get_running_loop().time()

    with capture_logs() as lines, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert sorted(done) == ["lane", "publish", "wake"]
    assert [line["event"] for line in lines] == ["store_away", "store_back"]
    assert store.waited > 0
    assert away_seconds() == 0


async def test_a_group_of_work_waits_as_well_and_other_errors_pass() -> None:
    tried = 0

    async def push() -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise BaseExceptionGroup("", [StoreAway("locked"), StoreAway("locked")])
        raise BaseExceptionGroup("", [StoreAway("locked"), FatalError("x")])

    async def other() -> None:
        raise RetryableError("the broker is away")

    wait = StoreWait(lambda: None)
    with pytest.raises(BaseExceptionGroup):
        await wait.through_absence(push)
    assert tried == 2
    with pytest.raises(RetryableError, match="broker"):
        await wait.through_absence(other)


async def test_a_lane_goes_on_from_what_is_stored() -> None:
    class Locked(FakeHandler):
        away = 1

        async def apply(self, batches: Sequence[Batch]) -> None:
            if self.away:
                self.away -= 1
                raise StoreAway("locked")
            await super().apply(batches)

    handler = Locked({0: 5, 1: 7})
    lane = Lane("test", TOPIC, handler, batch_events=100)
    consumer: Any = FakeConsumer({0: 8, 1: 7})
    for partition, offset in handler.positions.items():
        lane.opened(partition, offset)
    await lane.offer(0, records(5, 6, 7), end=8)
    work = asyncio.create_task(StoreWait(lambda: None).through_absence(_LaneWork(lane, consumer)))
    await until("it goes back", lambda: len(consumer.seeks) == 2)
    assert sorted(consumer.seeks) == [(0, 5), (1, 7)]
    await lane.offer(0, records(5, 6, 7), end=8)
    await until("it goes on", lambda: bool(handler.applied))
    assert handler.applied == [(0, [5, 6, 7])]
    work.cancel()
