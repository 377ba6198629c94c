"""Our service: RatesFold on the lane of a Faust app, as lgsp/processors/rates.py runs it.

SQLite; dossiers, cells and offsets in one transaction a batch. Changed cells are not published to
Kafka here, because no other contender publishes; nothing else differs from the processor.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.contenders.process import Stopwatch, Task, read_task, report
from benchmarks.digests import digests_in
from benchmarks.job import PROFILE
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import SideTask, run_worker
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings
from lgsp.runtime.stopping.ending import LastResort
from lgsp.store.engine import open_store
from lgsp.store.rates.fold import LANE
from lgsp.store.rates.folds import make_fold
from lgsp.store.rates.protocol import Fold
from lgsp.store.wal import background_wal_checkpoints

Stored = Callable[[Sequence[Batch]], None]


class TimedLane(Lane):
    """A lane that tells when records arrive."""

    arrived: Callable[[], None]

    async def offer(self, partition: int, records: list[Any], *, end: int | None) -> None:
        """Queue what was fetched."""
        self.arrived()
        await super().offer(partition, records, end=end)


class Timed:
    """A lane handler that tells of each batch once it is stored."""

    def __init__(self, fold: Fold, stored: Stored) -> None:
        self._fold = fold
        self._stored = stored
        self.open_partition = fold.open_partition
        self.close_partition = fold.close_partition
        self.position = fold.position

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Fold the batches."""
        await self._fold.apply(batches)
        self._stored(batches)


def run(
    task: Task,
    arrived: Callable[[], None],
    stored: Stored,
    side_tasks: Sequence[Callable[[Lane], SideTask]] = (),
) -> None:
    """Run the worker until `stored` calls `stop`."""
    settings = load_settings(
        data=task.work, broker=task.bootstrap, fold="plain" if task.plain else "fast"
    )
    configure_logs(settings, service=LANE)
    engine = open_store(settings.rates_store)
    fold = make_fold(
        settings,
        engine,
        PROFILE,
        task.topic,
        load_calendar(settings.calendar_file),
        lambda: task.now,
        _refuse,
    )
    lane = TimedLane(LANE, task.topic, Timed(fold, stored), batch_events=settings.replay_events)
    lane.arrived = arrived
    last_resort = LastResort()
    with background_wal_checkpoints(engine, lambda: lane.catching_up):
        run_worker(
            settings, lane, [make(lane) for make in side_tasks], port=0, last_resort=last_resort
        )
    last_resort.cancel()  # what follows takes its time


def stop() -> None:
    """End the worker in order."""
    os.kill(os.getpid(), signal.SIGTERM)


def _refuse(rejects: Sequence[Reject]) -> None:
    sys.exit(f"{len(rejects)} events were rejected: {rejects[0].cause}")


def main() -> None:
    """Fold the topic and print the line."""
    task = read_task()
    watch = Stopwatch(task.events)

    def stored(batches: Sequence[Batch]) -> None:
        if watch.done(sum(len(batch.records) for batch in batches)):
            watch.stop()
            stop()

    run(task, watch.start, stored)
    store = open_store(load_settings(data=task.work).rates_store, read_only=True)
    report(task, watch, digests_in(store), durable=True, note="cells are not published")


if __name__ == "__main__":
    main()
