"""Lane, watch and worker on a real broker."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faust.types import TP
from prometheus_client import REGISTRY
from tests.runtime.lane.fakes import FakeHandler
from tests.waiting import read_line, until

from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.lane import watch as lane_watch
from lgsp.runtime.lane.faust import FaustConsumer
from lgsp.runtime.lane.flow import Lane
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
    handler = FakeHandler({})
    lane = Lane(topic, topic, handler, batch_events=100)
    consumer = FaustConsumer(Settings(data=tmp_path, broker=broker, partitions=2), lane)
    watch = lane_watch.LaneWatch(lane, consumer)
    producer = make_producer(broker)

    def produce() -> None:
        for partition in (0, 1):
            producer.send(topic, b"k", b"x", partition)
        producer.flush()

    tasks = [
        asyncio.create_task(work) for work in (consumer.run(), lane.run(consumer), watch.run())
    ]
    try:
        produce()
        await until("both are read", lambda: handler.positions == {0: 1, 1: 1})
        before = read_again(lane)
        consumer.app.consumer.pause_partitions({TP(topic, 0)})
        produce()
        await until("both are read on", lambda: handler.positions == {0: 2, 1: 2})
        assert read_again(lane) > before
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await consumer.stop()
        producer.close()


FAILING = """
import asyncio, sys
from pathlib import Path
from lgsp.runtime.lane.faust import FaustConsumer
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import run_worker
from lgsp.runtime.settings import Settings

broker, topic, data = sys.argv[1:]

class Handler:
    position = staticmethod({}.get)
    def open_partition(self, partition):
        self.position = {partition: 0}.get
        return 0
    def close_partition(self, partition):
        pass
    async def apply(self, batches):
        print("fails", flush=True)
        raise OSError("disk full")

async def never(self, partitions):
    print("asked", flush=True)
    await asyncio.Event().wait()

FaustConsumer.ends = never
run_worker(
    Settings(data=Path(data), broker=broker, partitions=1),
    Lane(topic, topic, Handler(), batch_events=100),
    [],
    port=0,
)
"""


def test_a_worker_whose_handler_fails_ends_while_its_watch_waits_for_the_broker(
    broker: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = make_topic(partitions=1)
    producer = make_producer(broker)
    arguments = [sys.executable, "-c", FAILING, broker, topic, str(tmp_path)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        read_line(worker, worker.stdout, "the watch asks", lambda line: line == "asked\n")
        producer.send(topic, b"k", b"x", 0)
        producer.flush()
        producer.close()
        read_line(worker, worker.stdout, "the handler fails", lambda line: line == "fails\n")
        failed = time.monotonic()
        _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert "FatalError: lane: disk full" in errors
    assert time.monotonic() - failed < 10
