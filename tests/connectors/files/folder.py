"""A folder of files under test control, and a connector that looks at it when told to."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.registry import read_config

MAPPING = """\
  dossier_code: Ma
  agency: DonVi
  received_at: {field: Nhan, timezone: Asia/Ho_Chi_Minh}
"""
HEADER = "Ma,DonVi,Nhan\n"
SETTLE = 5


def code(i: int) -> str:
    return f"H37.12-240705-{i:04d}"


def row(i: int, unit: str = "H37.12") -> str:
    return f"{code(i)},{unit},2024-07-05T08:15:00\n"


class Clock:
    """A clock that moves only when told to; it starts at the real time, as files' times do."""

    def __init__(self) -> None:
        self.now = now_ms()

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class Folder:
    """The folder, and what one portal's connector has made of it so far.

    Args:
        base: an empty folder.
        source: keys of `source:` besides `path`, as flow YAML (`skip_rows: 2`).
        mapping: the block.
        rest: further keys of the YAML.
    """

    def __init__(
        self, base: Path, source: str = "", mapping: str = MAPPING, rest: str = ""
    ) -> None:
        self.base, self.inbox = base, base / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.clock = Clock()
        self.config = base / "c.yaml"
        self.configure(source, mapping, rest)
        self.cursor: Cursor | None = None
        self.page: Page | None = None
        self.records: list[Record] = []
        self.skipped = 0

    def configure(self, source: str = "", mapping: str = MAPPING, rest: str = "") -> None:
        """Write the YAML; the connector is made anew, its cursor stays."""
        keys = f", {source}" if source else ""
        self.config.write_text(
            "connector: files\nportal: my-portal\nprovince: H37\n"
            f'source: {{path: "inbox/*", settle_seconds: {SETTLE}{keys}}}\n'
            f"shape: dossiers\nmapping:\n{mapping}{rest}",
            "utf-8",
        )
        self.connector = self.start()

    def start(self) -> Connector:
        """Make a connector, as a new process would."""
        return read_config(self.config).build(self.clock, None)

    def write(self, name: str, text: str | bytes, *, mode: str = "wb") -> Path:
        """Write a file; `.gz` is packed; mode `ab` appends, `r+b` rewrites in place."""
        data = text.encode() if isinstance(text, str) else text
        path = self.inbox / name
        with path.open(mode) as file:
            file.write(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def keep_times(self, name: str, change: Callable[[], object]) -> None:
        """Change a file, and set its times back."""
        before = (self.inbox / name).stat()
        change()
        os.utime(self.inbox / name, ns=(before.st_atime_ns, before.st_mtime_ns))

    async def poll(self) -> list[Record]:
        """Look once, as the runner does between two pauses; give the new records."""
        got: list[Record] = []
        cursor = self.connector.start(None) if self.cursor is None else self.cursor
        while True:
            self.page = await self.connector.fetch(cursor)
            cursor = self.page.cursor
            got += self.page.records
            self.skipped += self.page.skipped
            if self.page.caught_up:
                break
        self.cursor = cursor
        self.records += got
        await self.connector.close()
        self.connector = self.start()
        return got

    async def settle(self) -> list[Record]:
        """Let the files stand still, and look again."""
        self.clock.advance(SETTLE)
        return await self.poll()

    async def read(self) -> list[Record]:
        """Look, let all stand still, and look again: everything that is there was read."""
        return [*await self.poll(), *await self.settle()]

    def events(self, records: list[Record]) -> list[DossierEvent]:
        """Map the good records."""
        return [
            event
            for record in records
            if record.fault is None
            for event in self.connector.to_events(record)
        ]

    def codes(self, records: list[Record]) -> list[str]:
        """Give the codes of the dossiers, one a record, in order."""
        return [event.dossier_code for event in self.events(records)]

    def faults(self) -> list[tuple[str, RejectedRecord]]:
        """Give what was refused so far: where, and why."""
        return [(r.origin, r.fault) for r in self.records if r.fault is not None]


def codes(*numbers: int) -> list[str]:
    return [code(i) for i in numbers]
