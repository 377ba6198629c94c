"""The twin's own truth: counted while it is made, never by the rules under test."""

import gzip
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lgsp.domain.figures import percent
from lgsp.domain.period import show_instant
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.simulation.course import WAITING, Ending
from lgsp.simulation.dossiers import TwinDossier, closing_instant
from lgsp.simulation.spec import ProvinceSpec

PROFILE = SIMPLE
"""The profile that the truth is by: another one would class the same dossiers otherwise."""

FILE, DOSSIERS_FILE = "truth.json", "truth-dossiers.jsonl.gz"

_RESOLVED = (Ending.EARLY, Ending.ON_TIME, Ending.LATE, Ending.WITHOUT_DEADLINE)
_LINES = 1000  # written at a time
_CHANNELS = ("online", "direct", "postal", "unknown")


@dataclass
class Truth:
    """What is true of the twin at the end of its period, in the names of the published figures.

    `rows` counts what was written: rows in all, and of those duplicates, displaced, late, corrupt.
    """

    spec: ProvinceSpec
    calendar_version: str
    endings: Counter[Ending] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    suspended: int = 0
    open_overdue: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def as_of(self) -> int:
        """The instant (ms UTC) that the truth is of: the period's last millisecond."""
        return closing_instant(self.spec)

    def add(self, dossier: TwinDossier) -> None:
        """Count one dossier."""
        course = dossier.course
        self.endings[course.ending] += 1
        if dossier.received_at is not None:
            self.channels[dossier.channel.name.lower()] += 1
        if course.ending is Ending.OPEN:
            if course.changes[-1].status in WAITING:
                self.suspended += 1
            elif course.deadline is not None and course.deadline < self.as_of:
                self.open_overdue += 1

    def counts(self) -> dict[str, int]:
        """Return every count of the published document."""
        found = self.endings
        return {
            "received": self.channels.total(),
            **{f"received_{name}": self.channels[name] for name in _CHANNELS},
            "resolved": sum(found[ending] for ending in _RESOLVED),
            **{f"resolved_{ending}": found[ending] for ending in _RESOLVED},
            "refused": found[Ending.REFUSED],
            "withdrawn": found[Ending.WITHDRAWN],
            "open": found[Ending.OPEN],
            "open_overdue": self.open_overdue,
            "suspended": self.suspended,
        }

    def rates(self) -> dict[str, dict[str, int | float | None]]:
        """Return both published rates."""
        counts = self.counts()
        received, resolved, refused = counts["received"], counts["resolved"], counts["refused"]
        good = resolved - counts["resolved_late"]
        return {
            "filing_rate": _rate(counts["received_online"], received, refused),
            "on_time_rate": _rate(good, resolved, refused + counts["withdrawn"]),
        }

    def document(self) -> dict[str, Any]:
        """Return truth.json.

        `open_overdue` is as of the period's end; `open_overdue_later` once every due time has
        passed with nothing done (the dossiers that wait for the citizen stay in time).
        """
        first, last = self.spec.first.isoformat(), self.spec.last.isoformat()
        return {
            "period": {"name": f"{first}..{last}", "from": first, "to": last},
            "scope": {"unit": self.spec.province},
            "as_of": show_instant(self.as_of),
            "profile": PROFILE.document(),
            "calendar": {"version": self.calendar_version},
            "counts": self.counts(),
            "rates": self.rates(),
            "open_overdue_later": self.endings[Ending.OPEN] - self.suspended,
            "dossiers": self.endings.total(),
            "rows": dict(self.rows),
            "corrupt_rows": self.rows.get("corrupt", 0),
            "spec": self.spec.document(),
        }

    def save(self, folder: Path) -> None:
        """Write truth.json into the folder."""
        text = orjson.dumps(self.document(), option=orjson.OPT_INDENT_2)
        (folder / FILE).write_bytes(text + b"\n")


class DossierTruths:
    """Writes one line a dossier: code, status, dates, class (a context manager)."""

    def __init__(self, folder: Path) -> None:
        self._file = open_gzip(folder / DOSSIERS_FILE)
        self._lines: list[bytes] = []

    def __enter__(self) -> "DossierTruths":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def add(self, dossier: TwinDossier) -> None:
        """Write one dossier; instants are ISO 8601 with `Z`."""
        course = dossier.course
        line = {
            "code": dossier.code,
            "agency": dossier.agency,
            "procedure": dossier.procedure.code,
            "channel": dossier.channel.name,
            "status": int(course.changes[-1].status),
            "received_at": show_instant(dossier.received_at),
            "due_at": show_instant(course.deadline),
            "finished_at": show_instant(course.finished_at),
            "class": course.ending.value,
        }
        self._lines.append(orjson.dumps(line) + b"\n")
        if len(self._lines) >= _LINES:
            self._flush()

    def _flush(self) -> None:
        self._file.write(b"".join(self._lines))
        self._lines.clear()


def _rate(numerator: int, denominator: int, excluded: int) -> dict[str, int | float | None]:
    return {
        "numerator": numerator,
        "denominator": denominator,
        "value": percent(numerator, denominator),
        "excluded": excluded,
    }


def open_gzip(path: Path) -> gzip.GzipFile:
    """Open a gzip file for writing whose bytes depend on its name and content only."""
    return gzip.GzipFile(path, "wb", compresslevel=3, mtime=0)
