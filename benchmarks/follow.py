"""A process that follows a topic as it is produced, and notes when each record was handled.

`python -m benchmarks.follow raw|ours …`: prints `ready` once it reads, ends after the last record,
and writes partition, offset and monotonic time of each record. The clock is the machine's, the
same for all of its processes.
"""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.contenders import ours
from benchmarks.contenders.process import PARTITIONS, Task
from benchmarks.cores import bind_contender
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import SideTask

Note = tuple[int, int, float]
"""Partition, offset, monotonic seconds."""


async def follow_raw(task: Task) -> list[Note]:
    """Note when aiokafka hands over each record."""
    notes: list[Note] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=task.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    partitions = [TopicPartition(task.topic, p) for p in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition in partitions:
        await consumer.position(partition)
    _ready()
    while len(notes) < task.events:
        found = await consumer.getmany(timeout_ms=500)
        now = time.monotonic()
        notes += [(tp.partition, r.offset, now) for tp, records in found.items() for r in records]
    await consumer.stop()
    return notes


def follow_ours(task: Task) -> list[Note]:
    """Note when our store has committed each record."""
    notes: list[Note] = []

    def stored(batches: Sequence[Batch]) -> None:
        now = time.monotonic()
        notes.extend((b.partition, r.offset, now) for b in batches for r in b.records)
        if len(notes) >= task.events:
            ours.stop()

    def announce(lane: Lane) -> SideTask:
        async def ready() -> None:
            while len(lane.held) < PARTITIONS:
                await asyncio.sleep(0.02)  # nothing announces an assignment
            _ready()
            await asyncio.Event().wait()

        return ready

    ours.run(task, lambda: None, stored, [announce])
    return notes


def _ready() -> None:
    print("ready", flush=True)


def main() -> None:
    """Follow and write the notes."""
    bind_contender()
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=["raw", "ours"])
    for name in ("bootstrap", "topic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--events", type=int, required=True)
    for name in ("work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    task = Task(
        options.who,
        options.bootstrap,
        options.topic,
        options.events,
        now_ms(),
        options.work,
        plain=False,
    )
    notes = asyncio.run(follow_raw(task)) if options.who == "raw" else follow_ours(task)
    options.out.write_text(json.dumps(notes), "utf-8")


if __name__ == "__main__":
    main()
