"""What a dossier held in memory costs, by the interpreter's own count of its allocations."""

import gc
import tempfile
import tracemalloc
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.dataset import Dataset
from benchmarks.job import PROFILE
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.client import KafkaRecord
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.settings import load_settings
from lgsp.store.engine import open_store
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.folds import make_fold

EVENTS = 200_000


def measure(dataset: Dataset, events: int = EVENTS) -> dict[str, Any]:
    """Fold the first `events`, then see what forgetting the dossiers gives back."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=Path(folder), fold="fast")
        store = open_store(settings.rates_store)
        calendar = load_calendar()
        fold = make_fold(
            settings, store, PROFILE, "events", calendar, lambda: dataset.end, _refuse
        )
        assert isinstance(fold, FastRatesFold)
        fold.open_partition(0)
        records = dataset.records(events)
        offset = 0
        tracemalloc.start()
        try:
            while found := list(islice(records, settings.replay_events)):
                fold.fold([Batch(0, _numbered(found, offset, dataset.end))])
                offset += len(found)
            del found
            held = fold.held
            before = _traced()
            fold.close_partition(0)  # forgets the dossiers
            freed = before - _traced()
        finally:
            tracemalloc.stop()
        store.dispose()
    return {"events": events, "dossiers": held, "bytes_a_dossier": round(freed / held)}


def _numbered(found: list[tuple[bytes, bytes]], offset: int, at: int) -> list[KafkaRecord]:
    return [KafkaRecord(0, offset + i, key, value, at) for i, (key, value) in enumerate(found)]


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _refuse(rejects: Any) -> None:
    raise AssertionError(f"{len(rejects)} events were rejected: {rejects[0].cause}")
