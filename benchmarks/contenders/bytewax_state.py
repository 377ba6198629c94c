"""Bytewax: stateful_map over dossiers, with its recovery store (snapshots in SQLite)."""

from datetime import timedelta
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from benchmarks.contenders.process import Stopwatch, read_task, report
from benchmarks.job import CountedDossier, Job


class _Nowhere(StatelessSinkPartition):  # type: ignore[misc]
    def write_batch(self, items: list[object]) -> None:
        """Drop the items."""


class _Sink(DynamicSink):  # type: ignore[misc]
    def build(self, _step_id: str, _index: int, _count: int) -> _Nowhere:
        """Return the worker's partition."""
        return _Nowhere()


def main() -> None:
    """Run the flow to the topic's end."""
    task = read_task()
    job, entries = Job(task.now), dict[str, CountedDossier]()
    watch = Stopwatch(task.events)

    def fold(state: CountedDossier | None, message: Any) -> tuple[CountedDossier, None]:
        watch.start()
        entry = job.join(state, message.value)
        entries[entry.dossier.code] = entry  # the flow's own object, to be hashed at the end
        return entry, None

    flow = Dataflow("dossiers")
    source = KafkaSource([task.bootstrap], [task.topic], tail=False, batch_size=5000)
    read = op.input("read", flow, source)
    keyed = op.key_on("key", read, lambda message: message.key.decode())
    op.output("drop", op.stateful_map("fold", keyed, fold), _Sink())
    task.work.mkdir(parents=True, exist_ok=True)
    init_db_dir(task.work, 1)
    run_main(flow, epoch_interval=timedelta(seconds=5), recovery_config=RecoveryConfig(task.work))
    watch.stop()
    report(task, watch, job.entry_digests(entries), durable=True, note="day counts in memory only")


if __name__ == "__main__":
    main()
