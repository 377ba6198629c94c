"""The lag is written by what the lane cannot hold up: it grows while the lane stands still."""

import asyncio
import threading
from collections.abc import Mapping

import pytest
from tests.runtime.lane.fakes import TOPIC, FakeConsumer, FakeHandler, records

from lgsp.domain.errors import RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.lag import LagWatch


class Log:
    """Ends, and when each record was written: record n at n seconds."""

    def __init__(self, **ends: int) -> None:
        self.log_ends = {int(name[1:]): end for name, end in ends.items()}
        self.away = False
        self.asked: list[Mapping[int, int]] = []

    def ends(self) -> Mapping[int, int]:
        if self.away:
            raise RetryableError("away")
        return self.log_ends

    def times(self, offsets: Mapping[int, int]) -> Mapping[int, int]:
        self.asked.append(offsets)
        return {partition: offset * 1000 for partition, offset in offsets.items()}


class Site:
    def __init__(self, positions: dict[int, int]) -> None:
        self.now = 1000.0
        self.handler = FakeHandler(positions)
        self.lane = Lane("lag test", TOPIC, self.handler, batch_events=10)
        for partition, position in positions.items():
            self.lane.opened(partition, position)
        self.watch = LagWatch(self.lane, lambda: self.now)

    def shown(self) -> dict[int, tuple[float, float]]:
        found = {}
        for partition in (0, 1):
            labels = (self.lane.name, partition)
            found[partition] = (
                metrics.LAG.labels(*labels)._value.get(),
                metrics.LAG_SECONDS.labels(*labels)._value.get(),
            )
        return found


@pytest.fixture
def site() -> Site:
    return Site({0: 100, 1: 200})


def test_records_and_seconds_behind_of_each_partition(site: Site) -> None:
    log = Log(p0=100, p1=250, p2=999)
    site.watch.look(log)
    assert site.shown() == {0: (0, 0), 1: (50, 800)}
    site.now += 5
    site.watch.look(log)
    assert site.shown() == {0: (0, 0), 1: (50, 805)}
    assert log.asked == [{1: 200}]  # a position that stands is asked for once

    site.handler.positions[1] = 240
    site.watch.look(log)
    assert site.shown()[1] == (10, 765)
    site.handler.positions[1] = 250
    site.watch.look(log)
    assert site.shown()[1] == (0, 0)


def test_it_grows_while_the_lane_stands_still_in_the_store(site: Site) -> None:
    held, entered = threading.Event(), threading.Event()

    class Locked(FakeHandler):
        async def apply(self, batches: object) -> None:
            entered.set()
            held.wait(30)

    site.lane.handler = Locked({0: 100, 1: 200})

    async def work() -> None:
        await site.lane.offer(0, records(100), end=101)
        await site.lane.step(FakeConsumer({0: 101}))

    loop = threading.Thread(target=lambda: asyncio.run(work()))
    loop.start()
    try:
        assert entered.wait(30)
        for end in (101, 150, 400):
            site.now += 10
            site.watch.look(Log(p0=end, p1=200))
            assert site.shown()[0] == (end - 100, site.now - 100)
    finally:
        held.set()
        loop.join()


def test_while_the_broker_is_away_what_waits_grows_older(site: Site) -> None:
    log = Log(p0=110, p1=200)
    site.watch.look(log)
    log.away = True
    site.now += 60
    with pytest.raises(RetryableError):
        site.watch.look(log)
    assert site.shown() == {0: (10, 960), 1: (0, 0)}


def test_a_partition_given_away_is_nobodys_lag_here(site: Site) -> None:
    log = Log(p0=110, p1=210)
    site.watch.look(log)
    site.lane.closed(1)
    site.watch.look(log)
    assert site.shown() == {0: (10, 900), 1: (0, 0)}
