"""The event set: the province twin at full scale, encoded for the log, kept in a cache folder.

Made once a machine. The first copy is Lạng Sơn's half-year; each further one is the same half-year
with other dossier codes (so other events), for runs of more events than a half-year has.
"""

import hashlib
import json
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from pathlib import Path

import lgsp.domain
from benchmarks.digests import Digests
from benchmarks.job import CountedDossier, Job
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import OFFICIAL_WORDS, Status
from lgsp.runtime.avro.codec import EVENTS
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.simulation import ProvinceSpec
from lgsp.simulation.dossiers import TwinDossier, closing_instant, twin_dossiers
from lgsp.store.rates.layout import encode

_SIZES = struct.Struct("<HH")
_LAYOUT = 1  # raise it when the events of an equal spec change
_READ_AFTER = 90_000  # ms from a status to its reading by the connector

KeyedValue = tuple[bytes, bytes]
"""Key (the dossier code) and framed value."""


def cache_folder() -> Path:
    """Return the folder of what is made once: $LGSP_BENCH_CACHE, or under the user's cache."""
    if own := os.environ.get("LGSP_BENCH_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mini-lgsp" / "bench"


@dataclass(frozen=True)
class Dataset:
    """Events of one twin in the order in which they happened, copy after copy."""

    spec: ProvinceSpec = field(default_factory=ProvinceSpec)
    folder: Path = field(default_factory=cache_folder)

    @property
    def end(self) -> int:
        """Instant (ms UTC) at which every contender counts: the period's last millisecond."""
        return closing_instant(self.spec)

    @property
    def name(self) -> str:
        """Short name that changes with everything the events are made from."""
        made_from = [
            self.spec.document(),
            load_calendar().version,
            EVENTS.schema_id,
            _LAYOUT,
        ]
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:10]

    def records(self, count: int | None = None) -> Iterator[KeyedValue]:
        """Give the first `count` records; None: those of one copy."""
        if count is None:
            yield from _read(self._file(0))
            return
        left, copy = count, 0
        while left:
            for record in islice(_read(self._file(copy)), left):
                yield record
                left -= 1
            copy += 1

    def size(self) -> int:
        """Return the number of events of one copy."""
        return sum(1 for _ in self.records())

    def expected(self, count: int) -> Digests:
        """Return what a contender must end with, by the domain rules, one event after another."""
        file = self.folder / f"expected-{self.name}-{_rules()}-{count}.json"
        if not file.exists():
            _say(f"computing the expected figures of {count:,} events, once")
            job = Job(self.end)
            entries: dict[bytes, CountedDossier] = {}
            for key, value in self.records(count):
                entries[key] = job.join(entries.get(key), value)
            encoded = {key.decode(): encode(entry.dossier) for key, entry in entries.items()}
            _write(file, json.dumps(job.digests(encoded)._asdict()).encode())
        return Digests(**json.loads(file.read_bytes()))

    def _file(self, copy: int) -> Path:
        file = self.folder / f"events-{self.name}-{copy}.bin"
        if not file.exists():
            _say(f"making the events of {self.spec.dossiers:,} dossiers (copy {copy}), once")
            pieces = []
            for event in _events(self.spec, copy):
                key, value = event.dossier_code.encode(), encode_event_fast(event)
                pieces.append(_SIZES.pack(len(key), len(value)) + key + value)
            _write(file, b"".join(pieces))
        return file


def _rules() -> str:
    """Return a name that changes with the code of the domain."""
    sources = sorted(Path(lgsp.domain.__path__[0]).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:10]


def _events(spec: ProvinceSpec, copy: int) -> list[DossierEvent]:
    events = [
        event
        for dossier in twin_dossiers(spec, load_calendar())
        for event in _history(spec.province, dossier, copy)
    ]
    return sorted(events, key=attrgetter("occurred_at"))


def _history(province: str, dossier: TwinDossier, copy: int) -> Iterator[DossierEvent]:
    head, number = dossier.code.rsplit("-", 1)
    code = f"{head}-{copy}{number}" if copy else dossier.code
    received = None
    for step in dossier.course.changes:
        if step.status is Status.RECEIVED:
            received = step.at
        yield with_id(
            DossierEvent(
                portal="one-stop",
                province=province,
                dossier_code=code,
                agency=dossier.agency,
                procedure=dossier.procedure.code,
                domain=dossier.procedure.domain,
                service_level=dossier.procedure.level,
                channel=dossier.channel,
                source_status=OFFICIAL_WORDS[step.status],
                status=step.status,
                occurred_at=step.at,
                observed_at=step.at + _READ_AFTER,
                submitted_at=dossier.submitted_at,
                received_at=received,
                due_at=step.due_at,
                finished_at=step.finished_at,
                returned_at=step.returned_at,
            )
        )


def _read(file: Path) -> Iterator[KeyedValue]:
    data = file.read_bytes()
    at = 0
    while at < len(data):
        key_size, value_size = _SIZES.unpack_from(data, at)
        middle = at + _SIZES.size + key_size
        at = middle + value_size
        yield data[middle - key_size : middle], data[middle:at]


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(data)
    part.replace(file)


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
