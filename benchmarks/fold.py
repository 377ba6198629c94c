"""Rates of the hot path on one core, stage by stage, without Kafka: `make bench`.

A stage is timed alone over the same events. Compare rates of one run on one machine only.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel, with_id
from lgsp.domain.standing import standing
from lgsp.domain.status import Status
from lgsp.runtime.calendar import load_calendar
from lgsp.runtime.codec import decode_event, encode_event
from lgsp.runtime.lane import Batch
from lgsp.runtime.record import Record
from lgsp.store.engine import open_store
from lgsp.store.fold import RatesFold

START = 1_704_153_600_000  # 2024-01-02T00:00Z
HOUR = 3_600_000
END = START + 200 * 24 * HOUR
PATH = (Status.REGISTERED, Status.RECEIVED, Status.PROCESSING, Status.PROCESSED)
PARTITIONS = 8


@dataclass(slots=True)
class Logged:
    """A record as Kafka would hand it over."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


def history(dossiers: int, seed: int) -> Iterator[DossierEvent]:
    """Give the events of synthetic dossiers in the order of time within each."""
    rng = random.Random(seed)
    for number in range(dossiers):
        agency = f"H37.{rng.randrange(1, 60)}"
        at = START + rng.randrange(180 * 24) * HOUR
        received, due = at + 4 * HOUR, at + 10 * 24 * HOUR
        path = (*PATH, Status.RESULT_RETURNED) if rng.random() < 0.6 else PATH
        for step, status in enumerate(path):
            occurred = at + step * rng.randrange(4, 48) * HOUR
            yield with_id(
                DossierEvent(
                    portal="bench",
                    province="H37",
                    dossier_code=f"{agency}-240102-{number:06}",
                    agency=agency,
                    procedure=f"1.{rng.randrange(300):06}",
                    domain="G03-GD10",
                    service_level=ServiceLevel.FULL,
                    channel=Channel.ONLINE if rng.random() < 0.97 else Channel.DIRECT,
                    source_status="bench",
                    status=status,
                    occurred_at=occurred,
                    observed_at=occurred,
                    submitted_at=at,
                    received_at=received if step else None,
                    due_at=due if step else None,
                    finished_at=occurred if status is Status.PROCESSED else None,
                )
            )


def timed(name: str, count: int, work: Callable[[], object]) -> dict[str, object]:
    """Run one stage; return its rate in events a second and its CPU seconds a million."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "stage": name,
        "events": count,
        "events_per_second": round(count / wall),
        "cpu_seconds_per_million": round(cpu / count * 1e6, 2),
    }


def fold(values: list[tuple[bytes, bytes]], folder: Path, batch_events: int) -> None:
    """Fold everything into a new SQLite store, one transaction a batch."""
    handler = RatesFold(
        open_store(f"sqlite:///{folder / 'rates.db'}"),
        "bench",
        load_calendar(),
        lambda: END,
        lambda rejects: sys.exit(f"{len(rejects)} events were rejected"),
    )
    lanes: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    for key, value in values:
        lane = lanes[crc32(key) % PARTITIONS]
        lane.append(Logged(len(lane), key, value, END))
    for partition in range(PARTITIONS):
        handler.open_partition(partition)
    share = batch_events // PARTITIONS
    for at in range(0, max(map(len, lanes)), share):
        parts = ((p, lane[at : at + share]) for p, lane in enumerate(lanes))
        handler.fold([Batch(p, records) for p, records in parts if records])


def main() -> None:
    """Time the stages and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # Portals are read by time, so one dossier's events lie apart in the log.
    events = sorted(history(options.dossiers, options.seed), key=lambda e: e.occurred_at)
    values = [(e.dossier_code.encode(), encode_event(e)) for e in events]
    dossiers = merge_all(events).values()
    calendar = load_calendar()
    count = len(events)
    rows = [
        timed("encode", count, lambda: [encode_event(e) for e in events]),
        timed("decode", count, lambda: [decode_event(v, sealed=False) for _, v in values]),
        timed("merge", count, lambda: merge_all(events)),
        timed("standing", len(dossiers), lambda: [standing(d, calendar, END) for d in dossiers]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(
            timed("fold to SQLite", count, lambda: fold(values, Path(folder), options.batch))
        )
    if options.json:
        print(json.dumps({"batch": options.batch, "seed": options.seed, "stages": rows}))
        return
    for row in rows:
        print(
            "{stage:<16}{events:>10,} {events_per_second:>10,}/s"
            " {cpu_seconds_per_million:>8} CPU s / 1 M".format(**row)
        )


if __name__ == "__main__":
    main()
