"""The limit: aiokafka hands over the records, and nothing is done with them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.contenders.process import FETCH, PARTITIONS, Stopwatch, Task, read_task, report

Handle = Callable[[Sequence[Any]], None]


async def consume(task: Task, handle: Handle) -> Stopwatch:
    """Read the topic to its end, one partition's records at a time."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **FETCH,
    )
    await consumer.start()
    watch = Stopwatch(task.events)
    consumer.assign([TopicPartition(task.topic, p) for p in range(PARTITIONS)])
    try:
        watch.start()
        while watch.left > 0:
            found = await consumer.getmany(timeout_ms=1000, max_records=5000)
            for records in found.values():
                handle(records)
                watch.done(len(records))
        watch.stop()
    finally:
        await consumer.stop()
    return watch


if __name__ == "__main__":
    the_task = read_task()
    report(
        the_task,
        asyncio.run(consume(the_task, lambda records: None)),
        durable=False,
        note="the limit: records are handed over, nothing is decoded",
    )
