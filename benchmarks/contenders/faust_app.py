"""A Faust app as its users write it, tuned, and run until all events are in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import faust

from benchmarks.contenders.process import PARTITIONS, Task


def make_app(task: Task) -> tuple[faust.App, Any]:
    """Return the app and its topic of raw keys and values."""
    task.work.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        task.work.name,
        broker=f"kafka://{task.bootstrap}",
        store="memory://",
        datadir=task.work / "faust",
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        broker_max_poll_records=5000,
        broker_commit_interval=1.0,
        stream_buffer_maxsize=16_384,
        consumer_max_fetch_size=4_000_000,
        consumer_auto_offset_reset="earliest",
        producer_linger_ms=20,
        producer_max_batch_size=262_144,
    )
    topic = app.topic(
        task.topic,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=PARTITIONS,
    )
    return app, topic


def run(app: faust.App, finished: asyncio.Event, last: Callable[[], Awaitable[None]]) -> None:
    """Run the app until `finished` is set, then `last`, then stop it."""

    async def main() -> None:
        await app.start()
        await finished.wait()
        await last()
        await app.stop()

    app.loop.run_until_complete(main())
