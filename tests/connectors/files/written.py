"""What a writer of files writes: rows, their text, and an oracle that reads only the files."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import DossierEvent
from lgsp.domain.figures import counts_of
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.calendar.vietnam import load_calendar

COLUMNS = ["Ma", "DonVi", "Kenh", "Note", "Nhan", "Hen", "Xong", "TT", "Cuoi"]
MAPPING = """\
shape: dossiers
missing: ["0000-00-00T00:00:00"]
mapping:
  dossier_code: Ma
  agency: DonVi
  channel: {field: Kenh, map: {M: ONLINE, Q: DIRECT}}
  received_at: {field: Nhan, timezone: UTC}
  due_at: {field: Hen, timezone: UTC}
  finished_at: {field: Xong, timezone: UTC}
  status: {field: TT, map: {X: 9, D: 4}}
  domain: Cuoi
"""
_RECEIVED = "2024-07-05T08:15:00"
_OPEN = "0000-00-00T00:00:00"
_COUNTS = ("received", "received_online", "resolved", "resolved_late", "open")
_CALENDAR = load_calendar()


class Fact(NamedTuple):
    """What one row says; all texts of one length, so that a row is corrected in its place."""

    code: str
    unit: str = "H37.100"
    channel: str = "M"
    due: str = "2024-07-15T08:15:00"
    end: str = _OPEN

    def corrected(self, what: int) -> "Fact":
        """Say another thing of the dossier."""
        kind, n = what % 5, what // 5
        if kind == 0:
            return self._replace(unit=f"H37.{101 + (int(self.unit[4:]) + n) % 4}")
        if kind == 1:
            return self._replace(channel="Q" if self.channel == "M" else "M")
        if kind == 2:
            return self._replace(
                due=f"2024-07-{10 + (int(self.due[8:10]) + n) % 9:02d}{self.due[10:]}"
            )
        if kind == 3 and self.end != _OPEN:
            return self._replace(end=_OPEN)
        return self._replace(end=f"2024-07-{8 + (n + int(self.end[8:10])) % 12:02d}T08:15:00")

    @property
    def odd(self) -> bool:
        """Whether the row cannot be used."""
        return self.channel == "?"

    @property
    def cells(self) -> list[str]:
        """The row's cells."""
        note = f'say "x",\n{self.code} Đơn'
        status = "D" if self.end == _OPEN else "X"
        return [*self[:3], note, _RECEIVED, self.due, self.end, status, "e"]


@dataclass
class Written:
    """One file's content as it was written.

    Args:
        rows: in order.
        at: when the file last said each row.
        since: the same; 0 where the file may have said so at any time before, too.
        rest: what a half row or member lacks.
        cut: behind a cut nothing sensible can follow.
        changed_at: when it was last written, by the true time.
        unclear: its time of writing was set back, perhaps before anybody saw what stood there.
        moved: then it got another name, under which nobody knows what stood there.
    """

    rows: list[Fact] = field(default_factory=list)
    at: dict[Fact, int] = field(default_factory=dict)
    since: dict[Fact, int] = field(default_factory=dict)
    rest: bytes = b""
    cut: bool = False
    changed_at: int = 0
    unclear: bool = False
    moved: bool = False


class Form:
    """How rows are written."""

    suffix = ".csv"

    def pack(self, data: bytes) -> bytes:
        """Give the stored bytes of a content."""
        return gzip.compress(data) if self.suffix.endswith(".gz") else data

    def head(self) -> bytes:
        """Give what stands above the rows."""
        return f"{','.join(COLUMNS)}\n".encode()

    def text(self, rows: Iterable[Fact]) -> bytes:
        """Give the text of rows."""
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(row.cells for row in rows)
        return out.getvalue().encode()


class Json(Form):
    """One JSON object a line."""

    suffix = ".jsonl"

    def head(self) -> bytes:
        """Give nothing."""
        return b""

    def text(self, rows: Iterable[Fact]) -> bytes:
        """Give the lines of rows."""
        objects = (dict(zip(COLUMNS, row.cells, strict=True)) for row in rows)
        return "".join(json.dumps(o) + "\n" for o in objects).encode()


class Packed(Form):
    """Compressed."""

    suffix = ".csv.gz"


def fact_of(cells: dict[str, str]) -> Fact:
    """Give what a row says."""
    return Fact(cells["Ma"], cells["DonVi"], cells["Kenh"], cells["Hen"], cells["Xong"])


def rows_in(path: Path) -> list[Fact]:
    """Read the whole rows of a file, with nothing of ours."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = inflated(data)
    if ".jsonl" in path.name:
        return [fact_of(row) for row in map(_loaded, data.split(b"\n")) if row]
    rows = list(csv.reader(io.StringIO(data.decode(errors="replace"), newline="")))
    if rows[:1] != [COLUMNS]:
        return []
    whole = [row for row in rows[1:] if len(row) == len(COLUMNS)]
    return [fact_of(dict(zip(COLUMNS, row, strict=True))) for row in whole]


def inflated(data: bytes) -> bytes:
    """Decompress what is there; of a cut file, what is not ended is not whole."""
    out = b""
    with gzip.open(io.BytesIO(data)) as file:
        try:
            while piece := file.read(1):
                out += piece
        except (EOFError, gzip.BadGzipFile):
            return out[: out.rfind(b"\n") + 1]
    return out


def _loaded(line: bytes) -> dict[str, str] | None:
    try:
        row: dict[str, str] = json.loads(line)
    except ValueError:
        return None
    return row


Figures = dict[str, dict[str, int]]
"""Unit -> count -> number; what is 0 is left out."""


def counted_by_hand(facts: Iterable[Fact]) -> Figures:
    """Count rows, one a dossier: no event, no join, no clock."""
    found: dict[str, Counter[str]] = {}
    for fact in facts:
        counts = found.setdefault(fact.unit, Counter())
        counts["received"] += 1
        counts["received_online"] += fact.channel == "M"
        if fact.end == _OPEN:
            counts["open"] += 1
        else:
            counts["resolved"] += 1
            counts["resolved_late"] += fact.end > fact.due
    return {unit: dict(+counts) for unit, counts in found.items()}


def counted_by_domain(events: Iterable[DossierEvent], now: int) -> Figures:
    """Fold events by the domain's rules; count as the published figures are counted."""
    sums: dict[str, Counter[str]] = {}
    names = SIMPLE.measures.names
    for dossier in merge_all(events).values():
        standing = SIMPLE.standing(dossier, _CALENDAR, now)
        added = SIMPLE.measures.day_counts(standing, dossier.channel)
        sums.setdefault(dossier.agency, Counter()).update(names[one.measure] for one in added)
    counts = {unit: counts_of(SIMPLE.measures, found) for unit, found in sums.items()}
    figures = {u: {n: c[n] for n in _COUNTS if c[n]} for u, c in counts.items()}
    return {unit: found for unit, found in figures.items() if found}
