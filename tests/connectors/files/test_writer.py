"""Whoever writes the files does it as he likes: nothing is lost, nothing doubled, nothing half.

An oracle reads only the files that are there in the end; the figures of each unit, by the domain's
own fold of the log, must be its figures. HYPOTHESIS_EXAMPLES says how many schedules are tried of
each form.
"""

import os
import shutil
import tempfile
from itertools import takewhile
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.connectors.files.folder import SETTLE, Clock
from tests.connectors.files.stepper import DEATHS, Stepper
from tests.connectors.files.written import (
    MAPPING,
    Fact,
    Form,
    Json,
    Packed,
    Written,
    counted_by_domain,
    counted_by_hand,
    fact_of,
    inflated,
    rows_in,
)

from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.registry import read_config

NAMES = ["a", "b", "c"]
BEGIN = 1_767_600_000_000  # 2026-01-05: times of change, which nobody can set, lie behind it
CONFIG = """\
connector: files
portal: p
province: H37
source: {{path: "inbox/*", page_rows: 3, settle_seconds: {settle}, complete: {complete}}}
"""
names, shares = st.sampled_from(NAMES), st.floats(0.01, 0.99)


class Writer(RuleBasedStateMachine):
    """Writes files of one form, and lets the connector look at any moment."""

    form: ClassVar[Form] = Form()
    complete = "false"

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="lgsp-writer-"))
        self.inbox = self.base / "inbox"
        self.inbox.mkdir()
        config = CONFIG.format(settle=SETTLE, complete=self.complete)
        (self.base / "c.yaml").write_text(config + MAPPING)
        self.clock = Clock()
        self.clock.now = BEGIN
        self.files: dict[str, Written] = {}
        self.number = 0
        self.ended: set[Fact] = set()  # rows whose line end is written
        self.said: dict[str, Fact] = {}  # what was said last of a dossier, by any file
        self.newest = Written()  # what was written last
        self.stood: list[list[Fact]] = []  # all that any file has held
        self.held: dict[str, dict[Fact, int]] = {}  # when a file was written that ends with a fact
        self.forgot = False
        self.odds: dict[str, set[Fact]] = {}  # rows without use that were read under each name
        self.view: dict[str, dict[str, Fact]] = {}  # by file: rows as read last
        self.steps = Stepper()
        self.restart()

    # What the writer does.

    @initialize()
    def begin(self) -> None:
        """Begin with two files."""
        self.create("a", 4)
        self.create("b", 0)

    @rule(name=names, count=st.integers(0, 4))
    def create(self, name: str, count: int) -> None:
        """Write a new file, or an old one anew from its start."""
        self.write(self.path(name), [self.new_row() for _ in range(count)])

    @rule(name=names, count=st.integers(1, 4))
    def append(self, name: str, count: int) -> None:
        """Add whole rows."""
        if (file := self.whole(name)) is not None:
            self.add(name, file, [self.new_row() for _ in range(count)])

    @rule(name=names, of=names, at=st.integers(0, 9), what=st.integers(0, 19))
    def append_a_correction(self, name: str, of: str, at: int, what: int) -> None:
        """Add a row that says another thing of a dossier, of this file or of another one."""
        file, other = self.whole(name), self.files.get(of)
        if file is not None and other is not None and other.rows:
            self.add(name, file, [other.rows[at % len(other.rows)].corrected(what)])

    @rule(name=names, share=shares)
    def append_half(self, name: str, share: float) -> None:
        """Add a part of a row, or of a compressed member."""
        if (file := self.whole(name)) is not None:
            row = self.new_row()
            data = self.form.pack(self.form.text([row]))
            cut = max(1, int(len(data) * share))
            self.put(self.path(name), data[:cut], "ab")
            file.rest, file.rows = data[cut:], [*file.rows, row]
            self.change(file)
            if self.form.suffix.endswith(".gz") and inflated(data[:cut]) == self.form.text([row]):
                self.ended.add(row)  # the row is whole, only its member is not

    @rule(name=names)
    def append_the_rest(self, name: str) -> None:
        """Add what a half row lacks."""
        file = self.files.get(name)
        if file is not None and file.rest:
            self.put(self.path(name), file.rest, "ab")
            self.note(file, file.rows, file.rows[-1:])

    @rule(name=names, at=st.integers(0, 9), what=st.integers(0, 19), back=st.booleans())
    def correct_in_place(self, name: str, at: int, what: int, back: bool) -> None:
        """Let one row say another thing in as many bytes, the times set back if so wished."""
        file = self.whole(name)
        if file is None or not file.rows or self.form.suffix.endswith(".gz"):
            return
        at %= len(file.rows)
        rows = [*file.rows[:at], file.rows[at].corrected(what), *file.rows[at + 1 :]]
        path = self.path(name)
        before = path.stat()
        self.put(path, self.form.head() + self.form.text(rows), "r+b")
        while path.stat().st_ctime_ns == before.st_ctime_ns:  # the next tick of its clock
            os.utime(path)
        self.stamp(path, before.st_mtime_ns if back else None)
        self.note(file, rows, rows)
        file.unclear = back

    @rule(name=names, at=st.integers(0, 9), what=st.integers(0, 19))
    def correct_in_place_when_level(self, name: str, at: int, what: int) -> None:
        """The same with times set back and all read before and after: that is its order."""
        if self.whole(name) is not None:
            self.settle()
            self.correct_in_place(name, at, what, back=True)
            self.settle()
            self.files[name].unclear = False

    @rule(name=names, keep=st.integers(0, 4), by_rename=st.booleans())
    def rewrite(self, name: str, keep: int, by_rename: bool) -> None:
        """Write what is kept of a file anew, reordered; in its place or by renaming another."""
        if (file := self.whole(name)) is not None:
            rows = [*reversed(file.rows[:keep]), self.new_row()]
            if by_rename:
                self.write(self.base / "other", rows)
                (self.base / "other").replace(self.path(name))
                self.files[name] = self.files.pop("other")
            else:
                self.write(self.path(name), rows)

    @rule(name=names, at=st.integers(0, 9))
    def spoil(self, name: str, at: int) -> None:
        """Let one row be of no use, in its place."""
        if (file := self.whole(name)) is not None and file.rows:
            at %= len(file.rows)
            odd = file.rows[at]._replace(channel="?")
            self.write(self.path(name), [*file.rows[:at], odd, *file.rows[at + 1 :]])

    @rule(name=names, of=names, at=st.integers(0, 9))
    def append_an_odd_row(self, name: str, of: str, at: int) -> None:
        """Add a row without use of a dossier of this file or of another one, or of a new one."""
        file, other = self.whole(name), self.files.get(of)
        if file is not None:
            rows = other.rows if other else []
            row = rows[at] if at < len(rows) else self.new_row()
            self.add(name, file, [row._replace(channel="?")])

    @rule(name=names, share=st.floats(0, 1))
    def cut(self, name: str, share: float) -> None:
        """Cut the file anywhere behind its first byte."""
        file = self.files.get(name)
        if file is None:
            return
        path = self.path(name)
        size = path.stat().st_size
        os.truncate(path, max(1, int(size * share)))
        self.stamp(path)
        self.note(file, file.rows, [])
        file.cut = True

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        """Rename, over another file perhaps; logs are rotated so."""
        if name in self.files and self.files.get(other) is not self.files[name]:
            self.path(name).replace(self.path(other))
            self.files[other] = self.files.pop(name)
            self.files[other].moved |= self.files[other].unclear
            self.clock.advance(0.001)

    @rule(name=names, other=names)
    def link(self, name: str, other: str) -> None:
        """Give a file a second name: the same bytes under both, whoever writes them."""
        if name in self.files and other not in self.files:
            os.link(self.path(name), self.path(other))
            self.files[other] = self.files[name]
            self.files[other].moved |= self.files[other].unclear

    @rule(name=names)
    def remove(self, name: str) -> None:
        """Remove the file."""
        if self.files.pop(name, None) is not None:
            self.path(name).unlink()

    @rule(name=names)
    def touch(self, name: str) -> None:
        """Set its times, and nothing else."""
        if (file := self.files.get(name)) is not None:
            self.stamp(self.path(name))
            self.change(file)

    # What the connector does.

    @rule(death=st.sampled_from(["", *DEATHS]))
    def read_page(self, death: str) -> None:
        """Read one page; or the process dies over it."""
        self.page(death)

    @rule()
    def read_all(self) -> None:
        """Read until level."""
        self.read()

    @rule()
    def restart(self) -> None:
        """Go on as a new process."""
        self.steps.begin(read_config(self.base / "c.yaml").build(self.clock, None), self.clock)

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

    @rule(name=names, count=st.integers(1, 4))
    def append_when_level(self, name: str, count: int) -> None:
        """Rows added to a file that was read are given once, in order, and nothing else is."""
        file = self.whole(name)
        linked = sum(other is file for other in self.files.values())
        if file is None or linked > 1:
            return
        self.settle()
        rows = [self.new_row() for _ in range(count)]
        self.add(name, file, rows)
        got = [fact_of(record.data) for record in self.read() if is_row(record)]
        assert got == self.given_anew(file, rows)

    def given_anew(self, file: Written, rows: list[Fact]) -> list[Fact]:
        """Say what a file that grew by the rows gives."""
        return rows

    def teardown(self) -> None:
        """In the end all is read, nothing is read again, and the oracle agrees."""
        try:
            self.finish()
            self.settle()
            assert self.read() == []
            for name in self.files:
                path = self.path(name)
                view = self.view.get(path.name, {})
                for fact in rows_in(path):
                    assert fact.code in view, f"{path.name}: lost: {fact}"
            self.check_log()
            self.check_figures()
            self.check_letters()
        finally:
            self.steps.close()
            shutil.rmtree(self.base)

    def finish(self) -> None:
        """Do what is to be done before the end."""

    def check_log(self) -> None:
        """No dossier is invented, and nothing is said twice running unless a process has died."""
        last: dict[str, bytes] = {}
        for event in self.steps.events:
            assert self.steps.deaths or last.get(event.dossier_code) != event.event_id
            last[event.dossier_code] = event.event_id
        assert last.keys() <= {f"H37.12-240705-{n + 1:04d}" for n in range(self.number)}

    def check_figures(self) -> None:
        """The figures of the dossiers in the files are those of the files alone."""
        self.compare({fact.code: fact for fact in self.oracle()})

    def check_letters(self) -> None:
        """Open are the letters of rows that stand in the files and cannot be used.

        Unless a later row of the dossier can be. What stood in a file that is gone, or that cannot
        be read to its end now, may be open.
        """
        opened = self.opened()
        torn = {r.file.rpartition("/")[2] for r in self.steps.letters.values() if r.data == b""}
        there = {name for name in self.files if self.path(name).name not in torn}
        lost = set[Fact]().union(*(odds for n, odds in self.odds.items() if n not in there))
        stand: dict[Fact, list[Written]] = {}
        for name, file in self.files.items():
            for fact in rows_in(self.path(name)):
                stand.setdefault(fact, []).append(file)
        odd = {fact for fact in stand if fact.odd}
        assert opened <= odd | lost, f"open for ever: {opened - odd - lost}"
        for fact in odd:
            held = self.held[fact.code]
            said = [(one, f) for one in stand if one.code == fact.code for f in stand[one]]
            good = [when for one, when in held.items() if not one.odd]
            good += [file.changed_at for one, file in said if not one.odd]
            if not good:
                assert fact in opened, f"closed too early: {fact}"
                continue
            if self.forgot or any(file.unclear or file.moved for _, file in said):
                continue
            if max(good) < max(file.at.get(fact, 0) for file in stand[fact]):
                assert fact in opened, f"closed too early, said later: {fact}"
            odds = [when for one, when in held.items() if one.odd]
            odds += [file.changed_at for one, file in said if one.odd]
            last = max((file.at.get(one, 0) for one, file in said if not one.odd), default=0)
            if last > max(odds):
                assert fact not in opened, f"open for ever, made up for: {fact}"

    def opened(self) -> set[Fact]:
        """Give the rows whose letters are open; of each file that is refused there is one, too."""
        letters = self.steps.letters.values()
        refused = {r.file.rpartition("/")[2] for r in letters if r.data == b""}
        there = {self.path(name).name for name in self.files}
        assert len(refused & there) == self.steps.report.files_refused, refused
        return {fact_of(record.data) for record in letters if is_row(record)}

    def compare(self, facts: dict[str, Fact]) -> None:
        events = [event for event in self.steps.events if event.dossier_code in facts]
        by_domain = counted_by_domain(events, self.clock.now)
        if by_domain != counted_by_hand(facts.values()):
            for code, fact in facts.items():  # the first dossier that differs says more
                of_it = [event for event in events if event.dossier_code == code]
                of_domain = counted_by_domain(of_it, self.clock.now)
                assert of_domain == counted_by_hand([fact]), "\n".join(
                    [str(fact), *map(str, of_it)]
                )
        assert by_domain == counted_by_hand(facts.values())

    def oracle(self) -> list[Fact]:
        """Say what the files say of each dossier of which they leave no doubt.

        There is doubt where two files differ, or did, and the one that spoke last has no later
        time than the other one; and where it begins as a file did before: then nobody can tell
        that it was not only added to. Where what was said last stands in no file any more. And
        where times were set back and the file got another name, or a process died with what only
        it knew.
        """
        stand: dict[str, list[tuple[Fact, Written]]] = {}
        for name, file in self.files.items():
            for code, fact in {fact.code: fact for fact in rows_in(self.path(name))}.items():
                stand.setdefault(code, []).append((fact, file))
        found = []
        for code, said in stand.items():
            last = max(said, key=lambda one: one[1].at.get(one[0], 0))
            fact, at = last[0], last[1].since.get(last[0], 0)
            rivals = [file for other, file in said if other != fact]
            unclear = any(f.unclear for _, f in said) and (rivals or self.forgot)
            moved = any(f.moved for _, f in said)
            later = any(when >= at for other, when in self.held[code].items() if other != fact)
            doubtful = unclear or moved or later
            if not (doubtful or fact.odd) and self.said.get(code, fact) == fact:
                found.append(fact)
        return found

    # How.

    def read(self) -> list[Record]:
        got = list(self.page())
        while not self.steps.level:
            got += self.page()
        return got

    def page(self, death: str = "") -> list[Record]:
        self.forgot |= death == DEATHS[1]
        for name, file in self.files.items():
            self.odds.setdefault(name, set()).update(row for row in file.rows if row.odd)
        records = list(self.steps.page(death))
        for record in filter(is_row, records):
            self.take(record)
        if death:
            self.restart()
        return records

    def take(self, record: Record) -> None:
        name = record.file.rpartition("/")[2]
        fact = fact_of(record.data)
        self.view.setdefault(name, {})[fact.code] = fact
        if fact not in self.ended:
            file = self.files[name.removesuffix(self.form.suffix)]
            assert self.clock.now - file.changed_at >= SETTLE * 1000, "half a row is a fact"

    def path(self, name: str) -> Path:
        return self.inbox / f"{name}{self.form.suffix}"

    def whole(self, name: str) -> Written | None:
        file = self.files.get(name)
        return file if file is not None and not file.rest and not file.cut else None

    def new_row(self) -> Fact:
        self.number += 1
        return Fact(f"H37.12-240705-{self.number:04d}")

    def add(self, name: str, file: Written, rows: list[Fact]) -> None:
        self.put(self.path(name), self.form.pack(self.form.text(rows)), "ab")
        self.note(file, [*file.rows, *rows], rows)

    def write(self, path: Path, rows: list[Fact]) -> None:
        self.put(path, self.form.pack(self.form.head() + self.form.text(rows)), "wb")
        name = path.name.removesuffix(self.form.suffix)
        self.note(self.files.setdefault(name, Written()), rows, rows)

    def note(self, file: Written, rows: list[Fact], said: list[Fact]) -> None:
        """Note what a file holds now, and which of it was said just now."""
        file.rows, file.rest, file.cut = rows, b"", False
        self.change(file)
        file.unclear &= said != rows
        file.moved &= said != rows
        file.at.update(dict.fromkeys(said, self.clock.now))
        begins = max((count_same(rows, old) for old in self.stood), default=0)
        now = {fact: 0 if fact in rows[:begins] else self.clock.now for fact in said}
        file.since.update(now)
        self.stood.append(rows)
        self.ended.update(rows)
        self.said.update({fact.code: fact for fact in said})

    def change(self, file: Written) -> None:
        """Note that a file was written just now."""
        file.changed_at, self.newest = self.clock.now, file
        for code, fact in {fact.code: fact for fact in file.rows}.items():
            self.held.setdefault(code, {})[fact] = self.clock.now

    def put(self, path: Path, data: bytes, mode: str) -> None:
        with path.open(mode) as file:
            file.write(data)
        self.stamp(path)

    def stamp(self, path: Path, at: int | None = None) -> None:
        """Each write has a later time, unless it is set back."""
        self.clock.advance(0.001)
        at = self.clock.now * 1_000_000 if at is None else at
        os.utime(path, ns=(at, at))


class PackedWriter(Writer):
    """The same with compressed files."""

    form = Packed()


class JsonWriter(Writer):
    """The same with one JSON object a line."""

    form = Json()


class CompleteWriter(Writer):
    """The same where each file is a full export: what the last one lacks is in no figure."""

    complete = "true"

    def given_anew(self, file: Written, rows: list[Fact]) -> list[Fact]:
        return file.rows

    def finish(self) -> None:
        """Let there be a last export of which there is no doubt."""
        last = self.newest
        stands = any(file is last for file in self.files.values()) and not (last.rest or last.cut)
        if not (stands and last.rows) or any(file.unclear for file in self.files.values()):
            self.settle()
            self.create("a", 1)

    def check_figures(self) -> None:
        """The figures of all dossiers are those of the last export alone."""
        if self.steps.report.not_removed:
            return
        self.compare({fact.code: fact for fact in self.last()})

    def last(self) -> list[Fact]:
        """Give the rows of the last export."""
        (name, *_) = (name for name, file in self.files.items() if file is self.newest)
        return rows_in(self.path(name))

    def compare(self, facts: dict[str, Fact]) -> None:
        odd = {fact.code for fact in self.last() if fact.odd}  # what was known of these stays
        events = [event for event in self.steps.events if event.dossier_code not in odd]
        by_domain = counted_by_domain(events, self.clock.now)
        assert by_domain == counted_by_hand(f for f in facts.values() if f.code not in odd)

    def check_letters(self) -> None:
        """Open are the letters of the last export's rows alone."""
        if not self.steps.report.not_removed:
            last = self.last()
            later = {fact: i for i, fact in enumerate(last)}
            good = {fact.code: i for i, fact in enumerate(last) if not fact.odd}
            odd = {fact for fact, i in later.items() if fact.odd and good.get(fact.code, -1) < i}
            assert self.opened() == odd


def count_same(rows: list[Fact], others: list[Fact]) -> int:
    """Count the rows with which both begin."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(rows, others, strict=False))
    )


def is_row(record: Record) -> bool:
    return isinstance(record.data, dict) and record.fault is None


TestPlain = Writer.TestCase
TestPacked = PackedWriter.TestCase
TestJson = JsonWriter.TestCase
TestComplete = CompleteWriter.TestCase
