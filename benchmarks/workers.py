"""One rates worker against two that share the partitions, on PostgreSQL: CPU time and figures.

The workers join an empty topic and are stopped (SIGSTOP) while the events are produced: what is
measured begins with a whole backlog and no start-up.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Engine, text
from tests.ports import free_port_pair
from tests.postgres import PostgresServer, server_binaries

from benchmarks.dataset import Dataset
from benchmarks.digests import digests_in
from benchmarks.system import MeasurementError, Process, cpu_seconds, installation, metric
from benchmarks.topic import PARTITIONS, produce
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.fold import LANE

_SESSION = 60.0  # seconds: longer than the workers are stopped


def measure(dataset: Dataset, events: int) -> list[dict[str, Any]]:
    """Fold the first `events` by one worker, then by two, each into a database of its own.

    Raises:
        MeasurementError: there is no PostgreSQL server here, or a worker failed.
    """
    binaries = server_binaries()
    if binaries is None:
        raise MeasurementError("no PostgreSQL server is installed: make test installs it")
    rows = []
    for count in (1, 2):
        with PostgresServer(binaries, durable=True) as server:
            rows.append(_run(dataset, events, count, server.url))
    return rows


def _run(dataset: Dataset, events: int, count: int, url: str) -> dict[str, Any]:
    with (
        installation(dataset, 0, store=url, session_timeout=_SESSION) as settings,
        ExitStack() as stack,
    ):
        store = open_store(url)
        stack.callback(store.dispose)
        each = [
            settings.model_copy(update={"metrics_port": free_port_pair()}) for _ in range(count)
        ]
        workers = [stack.enter_context(Process(own, "worker", "rates")) for own in each]
        workers[0].wait_until("all partitions are shared", lambda: _shared(each))
        for worker in workers:
            worker.send(signal.SIGSTOP)
        asyncio.run(produce(settings.bootstrap, DOSSIER_EVENTS, dataset.records(events)))
        cpu, server = _cpu(workers), _server_cpu(store)
        began = time.monotonic()
        for worker in workers:
            worker.send(signal.SIGCONT)
        ended = workers[0].wait_until(
            "all is counted", lambda: _counted(store) == events, timeout=60 + events / 1000
        )
        return {
            "workers": count,
            "events": events,
            "seconds": round(ended - began, 1),
            "cpu_s_per_million": round((_cpu(workers) - cpu) / events * 1e6, 2),
            "server_cpu_s_per_million": round((_server_cpu(store) - server) / events * 1e6, 2),
            "equal": digests_in(store) == dataset.expected(events),
        }


def _shared(each: Sequence[Settings]) -> bool:
    held = [
        metric(f"http://{own.metrics_host}:{own.metrics_port}/metrics", "lgsp_lane_partitions")
        for own in each
    ]
    return sum(held) == PARTITIONS and min(held) > 0


def _cpu(workers: Sequence[Process]) -> float:
    return sum(worker.cpu_seconds for worker in workers)


def _server_cpu(store: Engine) -> float:
    """Return the CPU time of the server's processes that live now."""
    with store.connect() as connection:
        return sum(
            cpu_seconds(pid)
            for pid in connection.scalars(text("SELECT pid FROM pg_stat_activity"))
        )


def _counted(store: Engine) -> int:
    with store.connect() as connection:
        return sum(stored_offsets(connection, LANE, DOSSIER_EVENTS).values())
