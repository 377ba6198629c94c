"""Rates worker and feed killed (-9) in mid-stream and started again: how long until news."""

import asyncio
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from benchmarks.dataset import Dataset, KeyedValue
from benchmarks.job import PROFILE
from benchmarks.rebuild import rebuild
from benchmarks.system import Process, installation, rounded
from lgsp.domain.errors import RetryableError
from lgsp.domain.event import with_id
from lgsp.domain.period import parse_period
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.httpget import answers_200, get_json
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures, Question

RATE = 200
_STREAMED = 60_000
_RUNS_BEFORE_KILL = 2.0  # seconds of counting seen on the feed

Counts = Mapping[str, int]


def measure(dataset: Dataset, events: int, rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rebuild a store of the first `events`, then kill and start again, `rounds` times.

    Returns:
        What `lgsp rebuild` took, and the recovery.
    """
    with installation(dataset, events) as settings:
        rebuilt = rebuild(settings, dataset, events)
        return rebuilt, _recover(settings, dataset, rounds) | {"dossiers": rebuilt["dossiers"]}


def _recover(settings: Settings, dataset: Dataset, rounds: int) -> dict[str, Any]:
    found: list[dict[str, float]] = []
    with (
        _Stream(settings.bootstrap, _new_dossiers(dataset)),
        Process(settings, "worker", "rates") as worker,
        Process(settings, "feed") as feed,
    ):
        for _ in range(rounds):
            before = _await_news(worker, settings, _counted(settings))
            time.sleep(_RUNS_BEFORE_KILL)
            worker.kill()
            feed.kill()
            began = time.monotonic()
            worker.start()
            feed.start()
            before = _counted(settings)  # long before the worker's first transaction
            ready = {
                "feed": feed.wait_until("ready", lambda: answers_200(_feed(settings) + "/readyz")),
                "worker": worker.wait_until("ready", lambda: answers_200(_worker(settings))),
            }
            _await_news(worker, settings, before)
            ready["first_figure"] = time.monotonic()
            found.append(rounded({name: at - began for name, at in ready.items()}))
    figures = [run["first_figure"] for run in found]
    return {
        "rate": RATE,
        "rounds": len(found),
        "median_s": statistics.median(figures),
        "longest_s": max(figures),
        "feed_ready_s": statistics.median(run["feed"] for run in found),
        "worker_ready_s": statistics.median(run["worker"] for run in found),
    }


def _await_news(worker: Process, settings: Settings, before: Counts) -> Counts:
    """Wait until the feed shows other counts than these; return them."""
    shown = before

    def other() -> bool:
        nonlocal shown
        try:
            shown = _timeless(get_json(_feed(settings) + "/api/v1/indicators", {"period": "all"}))
        except RetryableError:
            return False
        return shown != before

    worker.wait_until("a new figure", other)
    return shown


def _counted(settings: Settings) -> Counts:
    """Return the counts that the store holds now."""
    store = open_store(settings.rates_store, read_only=True)
    question = Question(parse_period("all"))
    found = Figures(store, PROFILE, load_calendar(), now_ms).indicators(question).document()
    store.dispose()
    return _timeless(found)


def _timeless(document: Mapping[str, Any]) -> Counts:
    """Leave out what changes by itself as time passes."""
    return {n: count for n, count in document["counts"].items() if n != "open_overdue"}


def _feed(settings: Settings) -> str:
    return f"http://{settings.feed_host}:{settings.feed_port}"


def _worker(settings: Settings) -> str:
    return f"http://{settings.metrics_host}:{settings.metrics_port}/readyz"


def _new_dossiers(dataset: Dataset) -> list[KeyedValue]:
    """Return events of dossiers that are not on the log yet: the first ones with other codes."""
    records = []
    for _, value in islice(dataset.records(), _STREAMED):
        event = decode_event(value)
        head, number = event.dossier_code.rsplit("-", 1)
        renamed = with_id(replace(event, dossier_code=f"{head}-9{number}"))
        records.append((renamed.dossier_code.encode(), encode_event_fast(renamed)))
    return records


class _Stream:
    """Produces the records at RATE from a thread of its own until the block ends."""

    def __init__(self, bootstrap: str, records: list[KeyedValue]) -> None:
        self._bootstrap, self._records = bootstrap, records
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "_Stream":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join()

    async def _run(self) -> None:
        step = RATE // 10
        async with BulkProducer(self._bootstrap, DOSSIER_EVENTS) as producer:
            for at in range(0, len(self._records), step):
                for key, value in self._records[at : at + step]:
                    producer.add(key, value)
                await producer.flush()
                if await asyncio.to_thread(self._ended.wait, 0.1):
                    return
