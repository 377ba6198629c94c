"""Whoever writes the files does it as he likes: nothing is lost, nothing doubled, nothing half.

An oracle reads only the files that are there in the end. HYPOTHESIS_EXAMPLES says how many
schedules are tried.
"""

import asyncio
import csv
import gzip
import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
)
from tests.connectors.files.folder import SETTLE, Clock

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Connector, Cursor, Record
from lgsp_connectors.kit.registry import read_config

COLUMNS = ["Ma", "DonVi", "Note", "Nhan", "End"]
NAMES = ["a", "b", "c"]
CONFIG = f"""\
connector: files
portal: p
province: H37
source: {{path: "inbox/*", page_rows: 3, settle_seconds: {SETTLE}}}
shape: dossiers
mapping:
  dossier_code: Ma
  agency: DonVi
  received_at: {{field: Nhan, timezone: UTC}}
  domain: End
"""
Fact = tuple[str, str]  # code and unit: a correction gives another unit


@dataclass
class Written:
    """One file's content as it was written.

    `rest` is what a half row or member lacks; behind a cut nothing sensible can follow.
    """

    rows: list[Fact] = field(default_factory=list)
    rest: bytes = b""
    cut: bool = False
    changed_at: int = 0


class Writer(RuleBasedStateMachine):
    """Writes files of one form, and lets the connector look at any moment."""

    suffix = ".csv"

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="lgsp-writer-"))
        self.inbox = self.base / "inbox"
        self.inbox.mkdir()
        (self.base / "c.yaml").write_text(CONFIG)
        self.clock = Clock()
        self.loop = asyncio.Runner()
        self.files: dict[str, Written] = {}
        self.number = 0
        self.ended: set[Fact] = set()  # rows whose line end is written
        self.view: dict[str, dict[str, str]] = {}  # by file: code -> unit as read last
        self.events: dict[Fact, tuple[int, list[DossierEvent]]] = {}
        self.connector = self.connect()
        self.cursor: Cursor = self.connector.start(None)
        self.level = False

    # What the writer does.

    @initialize()
    def begin(self) -> None:
        """Begin with two files."""
        self.create("a", 4)
        self.create("b", 0)

    @rule(name=st.sampled_from(NAMES), count=st.integers(0, 4))
    def create(self, name: str, count: int) -> None:
        """Write a new file, or an old one anew from its start."""
        path = self.path(name)
        rows = [self.new_row() for _ in range(count)]
        self.write(path, rows, "wb")

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 4))
    def append(self, name: str, count: int) -> None:
        """Add whole rows."""
        if (file := self.whole(name)) is not None:
            rows = [self.new_row() for _ in range(count)]
            self.put(self.path(name), self.pack(self.text(rows)), "ab")
            self.note(file, [*file.rows, *rows])

    @rule(name=st.sampled_from(NAMES), share=st.floats(0.01, 0.99))
    def append_half(self, name: str, share: float) -> None:
        """Add a part of a row, or of a compressed member."""
        if (file := self.whole(name)) is not None:
            fact = self.new_row()
            data = self.pack(self.text([fact]))
            cut = max(1, int(len(data) * share))
            self.put(self.path(name), data[:cut], "ab")
            file.rest, file.changed_at = data[cut:], self.clock.now
            file.rows = [*file.rows, fact]
            if self.suffix.endswith(".gz") and inflated(data[:cut]) == self.text([fact]):
                self.ended.add(fact)  # the row is whole, only its member is not

    @rule(name=st.sampled_from(NAMES))
    def append_the_rest(self, name: str) -> None:
        """Add what a half row lacks."""
        file = self.files.get(name)
        if file is not None and file.rest:
            self.put(self.path(name), file.rest, "ab")
            self.note(file, file.rows)

    @rule(name=st.sampled_from(NAMES), at=st.integers(0, 9), back=st.booleans())
    def correct_in_place(self, name: str, at: int, back: bool) -> None:
        """Give one row another unit of equal length, the times set back if so wished."""
        file = self.whole(name)
        if file is None or not file.rows or self.suffix.endswith(".gz"):
            return
        code, unit = file.rows[at % len(file.rows)]
        new = (code, f"H37.{int(unit[4:]) + 1:03d}")
        path = self.path(name)
        before = path.stat()
        data = path.read_bytes()
        place = data.index(code.encode())
        data = data[:place] + data[place:].replace(unit.encode(), new[1].encode(), 1)
        self.put(path, data, "r+b")
        while path.stat().st_ctime_ns == before.st_ctime_ns:  # the next tick of its clock
            os.utime(path)
        self.stamp(path, before.st_mtime_ns if back else None)
        self.note(file, [new if row == (code, unit) else row for row in file.rows])

    @rule(name=st.sampled_from(NAMES), keep=st.integers(0, 4), by_rename=st.booleans())
    def rewrite(self, name: str, keep: int, by_rename: bool) -> None:
        """Write what is kept of a file anew, reordered; in its place or by renaming another."""
        if (file := self.whole(name)) is not None:
            rows = [*reversed(file.rows[:keep]), self.new_row()]
            if by_rename:
                self.write(self.base / "other", rows, "wb")
                (self.base / "other").replace(self.path(name))
                self.files[name] = self.files.pop("other")
            else:
                self.write(self.path(name), rows, "wb")

    @rule(name=st.sampled_from(NAMES), share=st.floats(0, 1))
    def cut(self, name: str, share: float) -> None:
        """Cut the file anywhere behind its first byte."""
        file = self.files.get(name)
        if file is None:
            return
        path = self.path(name)
        size = path.stat().st_size
        os.truncate(path, max(1, int(size * share)))
        self.stamp(path)
        file.rest, file.cut, file.changed_at = b"", True, self.clock.now

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def rename(self, name: str, other: str) -> None:
        """Rename, over another file perhaps; logs are rotated so."""
        if name in self.files and self.files.get(other) is not self.files[name]:
            self.path(name).replace(self.path(other))
            self.files[other] = self.files.pop(name)
            self.clock.advance(0.001)

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def link(self, name: str, other: str) -> None:
        """Give a file a second name: the same bytes under both, whoever writes them."""
        if name in self.files and other not in self.files:
            os.link(self.path(name), self.path(other))
            self.files[other] = self.files[name]

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        """Remove the file."""
        if self.files.pop(name, None) is not None:
            self.path(name).unlink()

    @rule(name=st.sampled_from(NAMES))
    def touch(self, name: str) -> None:
        """Set its times, and nothing else."""
        if name in self.files:
            self.stamp(self.path(name))

    # What the connector does.

    @rule(kept=st.booleans())
    def read_page(self, kept: bool) -> None:
        """Read one page; when it is not kept, the process dies before its checkpoint."""
        cursor = self.page()
        if kept:
            self.cursor = cursor
        else:
            self.restart()

    @rule()
    def read_all(self) -> None:
        """Read until level."""
        self.read()

    @rule()
    def restart(self) -> None:
        """Go on as a new process."""
        self.loop.run(self.connector.close())
        self.connector = self.connect()

    @rule()
    def stand_still(self) -> None:
        """Let the time pass after which a file stands still."""
        self.clock.advance(SETTLE)

    @rule()
    def settle(self) -> None:
        """Read all, and all that stands still."""
        self.read()
        self.clock.advance(SETTLE)
        self.read()

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 4))
    def append_when_level(self, name: str, count: int) -> None:
        """Rows added to a file that was read are given once, in order, and nothing else is."""
        file = self.whole(name)
        linked = sum(other is file for other in self.files.values())
        if file is None or linked > 1:
            return
        self.settle()
        rows = [self.new_row() for _ in range(count)]
        self.put(self.path(name), self.pack(self.text(rows)), "ab")
        self.note(file, [*file.rows, *rows])
        got = [fact(r) for r in self.read() if isinstance(r.data, dict)]
        assert got == rows

    def teardown(self) -> None:
        """In the end all is read, nothing is read again, and the oracle agrees."""
        try:
            for _ in range(2):
                self.read()
                self.clock.advance(SETTLE)
            assert self.read() == []
            for name in self.files:
                path = self.path(name)
                view = self.view.get(path.name, {})
                for code, unit in oracle(path):
                    assert view.get(code) == unit, (path.name, code, unit, view.get(code))
            self.check_registers()
        finally:
            self.loop.run(self.connector.close())
            self.loop.close()
            shutil.rmtree(self.base)

    def check_registers(self) -> None:
        """What a dossier is in the end is what the file written last says of it."""
        stated: dict[str, list[tuple[int, str]]] = {}
        for (code, unit), (at, _) in self.events.items():
            stated.setdefault(code, []).append((at, unit))
        merged = merge_all([e for _, events in self.events.values() for e in events])
        for name in self.files:
            for code, unit in oracle(self.path(name)):
                newest = max(stated[code])
                latest = [u for at, u in stated[code] if at == newest[0]]
                if latest == [unit]:
                    assert merged[code].agency == unit

    # How.

    def connect(self) -> Connector:
        return read_config(self.base / "c.yaml").build(self.clock, None)

    def read(self) -> list[Record]:
        got: list[Record] = []
        while True:
            self.cursor = self.page(got)
            if self.level:
                return got

    def page(self, got: list[Record] | None = None) -> Cursor:
        page = self.loop.run(self.connector.fetch(self.cursor))
        self.level = page.caught_up
        for record in page.records:
            if isinstance(record.data, dict) and record.fault is None:
                self.take(record)
                if got is not None:
                    got.append(record)
        return page.cursor

    def take(self, record: Record) -> None:
        name = record.file.rpartition("/")[2]
        code, unit = fact(record)
        self.view.setdefault(name, {})[code] = unit
        if (code, unit) not in self.ended:
            file = self.files[name.removesuffix(self.suffix)]
            assert self.clock.now - file.changed_at >= SETTLE * 1000, "half a row is a fact"
        events = list(self.connector.to_events(record))
        at = record.file_time or 0
        known = self.events.get((code, unit), (0, []))
        self.events[code, unit] = (max(at, known[0]), [*known[1], *events])

    def path(self, name: str) -> Path:
        return self.inbox / f"{name}{self.suffix}"

    def whole(self, name: str) -> Written | None:
        file = self.files.get(name)
        return file if file is not None and not file.rest and not file.cut else None

    def new_row(self) -> Fact:
        self.number += 1
        return f"H37.12-240705-{self.number:04d}", "H37.100"

    def write(self, path: Path, rows: list[Fact], mode: str) -> None:
        self.put(path, self.pack(self.head() + self.text(rows)), mode)
        name = path.name.removesuffix(self.suffix)
        file = self.files.setdefault(name, Written())
        self.note(file, rows)

    def note(self, file: Written, rows: list[Fact]) -> None:
        file.rows, file.rest, file.cut, file.changed_at = rows, b"", False, self.clock.now
        self.ended.update(rows)

    def put(self, path: Path, data: bytes, mode: str) -> None:
        with path.open(mode) as file:
            file.write(data)
        self.stamp(path)

    def stamp(self, path: Path, at: int | None = None) -> None:
        """Each write has a later time, unless it is set back."""
        self.clock.advance(0.001)
        at = self.clock.now * 1_000_000 if at is None else at
        os.utime(path, ns=(at, at))

    def pack(self, data: bytes) -> bytes:
        return gzip.compress(data) if self.suffix.endswith(".gz") else data

    def head(self) -> bytes:
        return f"{','.join(COLUMNS)}\n".encode()

    def text(self, rows: list[Fact]) -> bytes:
        return "".join(
            f'{code},{unit},"say ""x"",\n{code} Đơn",2024-07-05T08:15:00,e\n'
            for code, unit in rows
        ).encode()


class PackedWriter(Writer):
    """The same with compressed files."""

    suffix = ".csv.gz"


class JsonWriter(Writer):
    """The same with one JSON object a line."""

    suffix = ".jsonl"

    def head(self) -> bytes:
        return b""

    def text(self, rows: list[Fact]) -> bytes:
        return "".join(
            json.dumps(dict(zip(COLUMNS, (*row, "x", "2024-07-05T08:15:00", "e"), strict=True)))
            + "\n"
            for row in rows
        ).encode()


def fact(record: Record) -> Fact:
    return record.data["Ma"], record.data["DonVi"]


def oracle(path: Path) -> list[Fact]:
    """Read the whole rows of a file, with nothing of ours."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = inflated(data)
    if ".jsonl" in path.name:
        return [(row["Ma"], row["DonVi"]) for row in map(loaded, data.split(b"\n")) if row]
    rows = list(csv.reader(io.StringIO(data.decode(errors="replace"), newline="")))
    if rows[:1] != [COLUMNS]:
        return []
    return [(row[0], row[1]) for row in rows[1:] if len(row) == len(COLUMNS)]


def inflated(data: bytes) -> bytes:
    out = b""
    with gzip.open(io.BytesIO(data)) as file:
        try:
            while piece := file.read(1):
                out += piece
        except (EOFError, gzip.BadGzipFile):
            return out[: out.rfind(b"\n") + 1]  # of a cut file, what is not ended is not whole
    return out


def loaded(line: bytes) -> dict[str, str] | None:
    try:
        row: dict[str, str] = json.loads(line)
    except ValueError:
        return None
    return row


TestPlain = Writer.TestCase
TestPacked = PackedWriter.TestCase
TestJson = JsonWriter.TestCase
