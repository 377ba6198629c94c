"""The ways of counting beside each other on one core, without Kafka: CPU an event, equal digests.

Each run is a process of its own with the garbage collector set as worker and rebuild set it: by
itself the collector costs the plain fold a third. The ways run in turns, so that whatever else the
machine does meets them alike. Quote ratios of one run, never a figure alone.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from benchmarks.cores import bind_contender, contender_environment
from benchmarks.dataset import Dataset
from benchmarks.digests import digests_in
from benchmarks.topic import PARTITIONS
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.client import KafkaRecord
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.collector import collect_young_only
from lgsp.store.engine import open_store
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fold import RatesFold

_KEEP = 50_000  # dossiers held: so the whole half-year forgets some and loads them again


class Way(NamedTuple):
    """How events are counted: which fold, how it reads them, how many in one transaction."""

    fold: str
    reading: str
    batch: int

    @property
    def name(self) -> str:
        """The row's name."""
        return f"{self.fold}, {self.reading}, batches of {self.batch:,}"


WAYS = tuple(
    Way(fold, reading, batch)
    for batch in (5_000, 100_000)
    for fold, reading in (("plain", "one by one"), ("plain", "columns"), ("numpy", "columns"))
)


def measure(events: int, rounds: int) -> list[dict[str, Any]]:
    """Run every way `rounds` times over the first `events`.

    Raises:
        RuntimeError: a run failed, or two ways did not end with the same figures.
    """
    runs: dict[Way, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(rounds):
        shift = turn % len(WAYS)
        for way in (*WAYS[shift:], *WAYS[:shift]):
            runs[way].append(_run(way, events))
    if len({run["digest"] for found in runs.values() for run in found}) != 1:
        raise RuntimeError(f"the figures differ: {runs}")
    return [
        {
            "way": way.name,
            "events": events,
            "rounds": rounds,
            "cpu_us": {
                "min": min(run["cpu_us"] for run in found),
                "median": round(statistics.median(run["cpu_us"] for run in found), 2),
            },
            "digest": found[0]["digest"],
        }
        for way, found in runs.items()
    ]


def _run(way: Way, events: int) -> dict[str, Any]:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.folds", str(WAYS.index(way)), str(events)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
        env=contender_environment(),
    )
    if said.returncode:
        raise RuntimeError(f"{way.name}: {said.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(said.stdout)
    print(f"bench: {way.name}: {found['cpu_us']} us", file=sys.stderr, flush=True)
    return found


def fold_once(dataset: Dataset, way: Way, events: int) -> dict[str, Any]:
    """Count the first `events` into a new SQLite store in this process."""
    batches = list(_batches(dataset, way.batch, events))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/rates.db")
        kind, options = _kind(way)
        fold = kind(
            store,
            SIMPLE,
            "events",
            load_calendar(),
            lambda: dataset.end,
            _refuse,
            keep=_KEEP,
            **options,
        )
        for partition in range(PARTITIONS):
            fold.open_partition(partition)
        collect_young_only()
        cpu = time.process_time()
        for batch in batches:
            fold.fold(batch)
        cpu = time.process_time() - cpu
        found = digests_in(store)
        store.dispose()
    return {"cpu_us": round(cpu / events * 1e6, 2), "digest": found.whole}


def _kind(way: Way) -> tuple[Any, dict[str, Any]]:
    if way.fold == "numpy":
        return FastRatesFold, {}
    return RatesFold, {} if way.reading == "columns" else {"columns_from": sys.maxsize}


def _batches(dataset: Dataset, size: int, events: int) -> Iterator[list[Batch]]:
    """Give the events in their order, `size` at a time, by partition as a full lane has them."""
    records = dataset.records(events)
    ends = [0] * PARTITIONS
    while some := list(islice(records, size)):
        by_partition: dict[int, list[KafkaRecord]] = {}
        for key, value in some:
            p = crc32(key) % PARTITIONS
            by_partition.setdefault(p, []).append(KafkaRecord(p, ends[p], key, value, dataset.end))
            ends[p] += 1
        yield [Batch(p, own) for p, own in by_partition.items()]


def _refuse(rejects: Sequence[Any]) -> None:
    raise AssertionError(f"{len(rejects)} events were rejected: {rejects[0].cause}")


if __name__ == "__main__":
    bind_contender()
    print(json.dumps(fold_once(Dataset(), WAYS[int(sys.argv[1])], int(sys.argv[2]))))
