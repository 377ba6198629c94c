"""Faust with `take`: batches inside the stream, dossiers in a dict. Keeps nothing."""

import asyncio
from typing import Any

from benchmarks.contenders.faust_app import make_app, run
from benchmarks.contenders.process import Stopwatch, read_task, report
from benchmarks.job import CountedDossier, Job


def main() -> None:
    """Run the agent until all events are in."""
    task = read_task()
    job, entries = Job(task.now), dict[str, CountedDossier]()
    watch = Stopwatch(task.events)
    finished = asyncio.Event()
    app, topic = make_app(task)

    @app.agent(topic)
    async def fold(stream: Any) -> None:
        async for events in stream.noack_take(1000, within=0.05):
            watch.start()
            for event in events:
                code = event.key.decode()
                entries[code] = job.join(entries.get(code), event.value)
                event.ack()
            if watch.done(len(events)):
                finished.set()

    async def last() -> None:
        await app.consumer.commit()
        watch.stop()

    run(app, finished, last)
    report(task, watch, job.entry_digests(entries), durable=False, note="all state in memory")


if __name__ == "__main__":
    main()
