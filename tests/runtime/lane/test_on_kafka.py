"""The lane and its watch on a real broker: a partition that Faust forgets is taken up again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from tests.runtime.lane.test_flow import Handler
from tests.waiting import until

from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.lane import watch as lane_watch
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import make_app
from lgsp.runtime.settings import Settings

pytestmark = pytest.mark.kafka

MakeTopic = Callable[..., str]


def read_again(lane: Lane) -> float:
    labels = {"lane": lane.name}
    return REGISTRY.get_sample_value("lgsp_lane_read_again_total", labels) or 0


async def test_a_partition_that_faust_no_longer_fetches_is_taken_up_again(
    broker: str, make_topic: MakeTopic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_watch, "_EVERY", 0.2)
    monkeypatch.setattr(lane_watch, "_READ_AGAIN_AFTER", 1.0)
    topic = make_topic(partitions=2)
    handler = Handler({})
    lane = Lane(topic, topic, handler, batch_events=100)
    app = make_app(Settings(data=tmp_path, broker=broker, partitions=2), lane)
    watch = lane_watch.LaneWatch(lane)
    producer = make_producer(broker)

    def produce() -> None:
        for partition in (0, 1):
            producer.send(topic, b"k", b"x", partition)
        producer.flush()

    await app.start()
    tasks = [asyncio.create_task(lane.run(app)), asyncio.create_task(watch.run(app))]
    try:
        produce()
        await until("both are read", lambda: handler.positions == {0: 1, 1: 1})
        before = read_again(lane)
        app.consumer.pause_partitions({tp for tp in app.consumer.assignment() if tp[1] == 0})
        produce()
        await until("both are read on", lambda: handler.positions == {0: 2, 1: 2})
        assert read_again(lane) > before
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.stop()
        producer.close()
