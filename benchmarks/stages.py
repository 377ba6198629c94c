"""The hot path stage by stage on one core, without Kafka: where the time of an event goes.

A stage is timed alone over the same events. Compare rates of one run on one machine only.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from benchmarks.dataset import Dataset, KeyedValue
from benchmarks.job import PROFILE
from benchmarks.topic import PARTITIONS
from lgsp.domain.dossier import merge_all
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.avro.columns import decode_columns
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.client import KafkaRecord
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.collector import collect_young_only
from lgsp.runtime.settings import load_settings
from lgsp.store.engine import open_store
from lgsp.store.rates.folds import make_fold
from lgsp.store.rates.layout import encode


def measure(dataset: Dataset, count: int) -> list[dict[str, Any]]:
    """Time each stage over the first `count` events; microseconds of CPU an event."""
    records = list(dataset.records(count))
    collect_young_only()  # as worker and rebuild do
    values = [value for _, value in records]
    events = [decode_event(value, sealed=False) for value in values]
    dossiers = list(merge_all(events).values())
    calendar, end = load_calendar(), dataset.end
    stages: dict[str, Callable[[], object]] = {
        "encode the event": lambda: [encode_event_fast(event) for event in events],
        "decode, plain": lambda: [decode_event(value, sealed=False) for value in values],
        "decode, columns of 5,000": lambda: [
            decode_columns(values[at : at + 5000]) for at in range(0, count, 5000)
        ],
        "merge, plain": lambda: merge_all(events),
        "standing of each dossier, plain": lambda: [
            PROFILE.standing(d, calendar, end) for d in dossiers
        ],
        "dossier to bytes": lambda: [encode(d) for d in dossiers],
        "all, to SQLite, plain": lambda: _fold(records, dataset, "plain"),
        "all, to SQLite, fast": lambda: _fold(records, dataset, "fast"),
    }
    rows = []
    for name, work in stages.items():
        cpu = time.process_time()
        work()
        cpu = time.process_time() - cpu
        rows.append({"stage": name, "events": count, "cpu_us": round(cpu / count * 1e6, 2)})
    return rows


def _fold(records: Sequence[KeyedValue], dataset: Dataset, kind: str) -> None:
    """Fold everything into a new store, in batches as a long backlog gives them."""
    partitions: list[list[KafkaRecord]] = [[] for _ in range(PARTITIONS)]
    for key, value in records:
        partition = crc32(key) % PARTITIONS
        waiting = partitions[partition]
        waiting.append(KafkaRecord(partition, len(waiting), key, value, dataset.end))
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=Path(folder), fold=kind)
        store = open_store(settings.rates_store)
        calendar = load_calendar()
        fold = make_fold(
            settings, store, PROFILE, "events", calendar, lambda: dataset.end, _refuse
        )
        for partition in range(PARTITIONS):
            fold.open_partition(partition)
        share = settings.replay_events // PARTITIONS
        for at in range(0, max(map(len, partitions)), share):
            parts = ((p, waiting[at : at + share]) for p, waiting in enumerate(partitions))
            fold.fold([Batch(p, part) for p, part in parts if part])
        store.dispose()


def _refuse(rejects: Sequence[Any]) -> None:
    raise AssertionError(f"{len(rejects)} events were rejected: {rejects[0].cause}")
