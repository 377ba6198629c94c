"""Faust as its documentation teaches it: an agent and two Tables with changelog topics."""

import asyncio
from typing import Any

from benchmarks.contenders.faust_app import make_app, run
from benchmarks.contenders.process import PARTITIONS, Stopwatch, read_task, report
from benchmarks.digests import Counts, Key, digests_of
from benchmarks.job import PROFILE, Job
from benchmarks.topic import create


def main() -> None:
    """Run the agent until all events are in and the changelogs are flushed."""
    task = read_task()
    watch = Stopwatch(task.events)
    finished = asyncio.Event()
    for table in ("dossiers", "cells"):
        name = f"{task.work.name}-{table}-changelog"
        create(task.bootstrap, name, {"cleanup.policy": "compact"})
    app, topic = make_app(task)
    dossiers = app.Table("dossiers", partitions=PARTITIONS, key_type=bytes, value_type=bytes)
    cells = app.Table("cells", partitions=PARTITIONS, default=int)

    def add(key: Key, measure: int, amount: int) -> None:
        cells["|".join(map(str, (*key, measure)))] += amount

    job = Job(task.now, add)

    @app.agent(topic)
    async def fold(stream: Any) -> None:
        async for key, value in stream.items():
            watch.start()
            dossiers[key] = job.join_bytes(key.decode(), dossiers.get(key), value)
            if watch.done():
                finished.set()

    async def last() -> None:
        await app.producer.flush()
        await app.consumer.commit()
        watch.stop()

    run(app, finished, last)
    encoded = {key.decode(): value for key, value in dossiers.items()}
    report(task, watch, digests_of(encoded, _counts(cells)), durable=True)


def _counts(cells: Any) -> Counts:
    counts: Counts = {}
    for text, number in cells.items():
        day, agency, domain, procedure, measure = text.split("|")
        key = (int(day), agency, domain, procedure)
        counts.setdefault(key, [0] * len(PROFILE.measures.names))[int(measure)] += number
    return counts


if __name__ == "__main__":
    main()
