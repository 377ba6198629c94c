"""A portal of dossiers whose connectors may die anywhere: runner, memory and letters are real.

Only Kafka is not: what is flushed is kept in lists, or a part of it when the process dies.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

from pydantic import BaseModel
from tests.connectors.files.folder import Clock
from tests.connectors.files.written import Fact

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import EventProducer
from lgsp.runtime.letters.dead_letters import DeadLetter, DeadLetters, decode_letter
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import load_settings
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Cursor, Listing, Page, Record
from lgsp_connectors.kit.log.log_sink import LogSink
from lgsp_connectors.kit.mapping.derive import Facts, from_dossier
from lgsp_connectors.kit.memory.filing import SealedPersons
from lgsp_connectors.kit.memory.known import Known, MemoryKnown
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints

_RECEIVED = 1_720_167_300_000  # 2024-07-05T08:15Z, as in Fact
_DAY = 86_400_000
_PAGE = 2  # rows
_SETTINGS = RunSettings(poll_seconds=1e-6, give_up_seconds=1e-6, max_consecutive_rejects=10**6)


class Row(NamedTuple):
    """What a portal shows of one dossier.

    Args:
        fact: what counts.
        owner: who filed it; another one has another filing date.
        changed_at: ms UTC, by a column that knows seconds only.
        odd: it cannot be used, unless the YAML is lenient.
    """

    fact: Fact
    owner: int
    changed_at: int
    odd: bool = False


class Died(Exception):  # noqa: N818 - it is what happens to the process
    """The process ends here."""


class Mortal:
    """Counts the points at which a process may die, and lets it die at one of them."""

    def __init__(self) -> None:
        self.left = -1
        self.at = ""

    def here(self, point: str) -> None:
        """Die when it is time."""
        if self.is_time(point):
            raise Died(point)

    def is_time(self, point: str) -> bool:
        """Tell whether the process dies here."""
        self.left -= 1
        if self.left == 0:
            self.at = point
        return self.left == 0

    def around(self, thing: Any, *names: str) -> Any:
        """Give the thing such that the process may die before and after these calls."""
        return _Around(self, thing, names)


class _Around:
    def __init__(self, mortal: Mortal, thing: Any, names: Sequence[str]) -> None:
        self._mortal, self._thing, self._names = mortal, thing, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name not in self._names:
            return found

        def call(*args: Any, **more: Any) -> Any:
            self._mortal.here(f"before {name}")
            given = found(*args, **more)
            self._mortal.here(f"after {name}")
            return given

        return call


class Log:
    """What is on the log: events in order, letters by key."""

    def __init__(self) -> None:
        self.events: list[DossierEvent] = []
        self.letters: dict[bytes, bytes] = {}

    def open(self) -> list[DeadLetter]:
        """Give the letters that are open."""
        return [decode_letter(value) for value in self.letters.values()]


class _Producer:
    """Keeps what it is given once it is flushed; a process that dies there may lose the rest."""

    def __init__(self, mortal: Mortal, log: Log) -> None:
        self._mortal, self._log = mortal, log
        self._handed: list[tuple[bytes, bytes | None]] = []

    def send(self, _topic: str, key: bytes, value: bytes | None) -> None:
        self._handed.append((key, value))

    def flush(self) -> None:
        self._flush("letters", self._letter)

    def _letter(self, key: bytes, value: bytes | None) -> None:
        self._log.letters.pop(key, None)
        if value is not None:
            self._log.letters[key] = value

    def _flush(self, what: str, take: Callable[[bytes, bytes | None], None]) -> None:
        handed, self._handed = self._handed, []
        if not handed:
            return
        self._mortal.here(f"before {what}")
        for number, (key, value) in enumerate(handed, 1):
            take(key, value)
            if number < len(handed):
                self._mortal.here(f"amid {what}")
        self._mortal.here(f"after {what}")


class _Bulk(_Producer):
    """The same of events."""

    def add(self, key: bytes, value: bytes) -> None:
        self._handed.append((key, value))

    async def flush(self) -> None:  # type: ignore[override]
        self._flush("events", lambda _key, value: self._log.events.append(decode_event(value)))


class Site:
    """A portal and the connectors that read it, one process after another.

    Args:
        portal: its id.
        base: folder of the memory.
        log: may be shared.
        clock: everybody's.
        complete: each pass is a complete listing.
        in_file: known entries stand in a file.
    """

    def __init__(
        self,
        portal: str,
        base: Path,
        log: Log,
        clock: Clock,
        *,
        complete: bool = False,
        in_file: bool = False,
    ) -> None:
        self.portal, self.log, self.clock, self.complete = portal, log, clock, complete
        self.rows: dict[str, Row] = {}
        self.lenient = False
        self.mortal = Mortal()
        self.deaths: list[str] = []
        self.report = Report()
        self._base, self._in_file = base, in_file
        self._memory = MemoryKnown()
        self._checkpoints = MemoryCheckpoints()
        settings = load_settings(data=base)
        self._sealer = load_or_create(key_file(settings))
        self._settings = settings

    async def read(self, pages: int | None = None, death: int = -1) -> list[DossierEvent]:
        """Run a new process until level, or for some pages; it dies at the given point if any.

        Returns:
            What it wrote to the log.
        """
        before, self.mortal.left = len(self.log.events), death
        known: Known = (
            KnownFile(self._base / f"{self.portal}.known") if self._in_file else self._memory
        )
        standing = StandingRejects(self._base / f"{self.portal}.rejects")
        stop = asyncio.Event()

        def count(_page: Page, report: Report) -> None:
            if report.pages == pages:
                stop.set()

        mortal, letters = self.mortal, _Producer(self.mortal, self.log)
        runner = Runner(
            Connector(self),
            LogSink(
                cast(BulkProducer, _Bulk(mortal, self.log)),
                DeadLetters(self._settings, cast(EventProducer, letters), self.clock),
                self.portal,
                self.log.open(),
            ),
            mortal.around(self._checkpoints, "store"),
            key=self.portal,
            settings=_SETTINGS,
            standing=mortal.around(standing, "resume", "prepare", "keep", "closed"),
            known=mortal.around(
                known, "announce", "keep", "dispute", "spoil", "is_newest", "forget", "reset"
            ),
            persons=SealedPersons(self._sealer),
            yaml=str(self.lenient),
            on_page=count,
            clock=self.clock,
        )
        try:
            self.report = await runner.run(once=pages is None, stop=stop)
        except Died:
            self.deaths.append(mortal.at)
        finally:
            standing.close()
            if self._in_file:
                known.close()
        return self.log.events[before:]

    def seal(self, row: Row) -> bytes:
        """Seal whose dossier it is."""
        person = {"owner_name": f"NGUYEN VAN TEST {row.owner}", "owner_id": f"{row.owner:012d}"}
        return self._sealer.seal(person, row.fact.code)

    def unusable(self) -> set[str]:
        """Give the codes of the rows that cannot be used."""
        return {code for code, row in self.rows.items() if row.odd and not self.lenient}


class Connector:
    """Lists all rows by their code, from the first one at each poll, a page at a time."""

    name: ClassVar[str] = "site"
    settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, site: Site) -> None:
        self._site = site

    def start(self, since: int | None) -> Cursor:
        """Begin before the first row."""
        return {"after": "", "at": ""}

    async def fetch(self, cursor: Cursor) -> Page:
        """Give the next rows."""
        site = self._site
        at = int(cursor["at"] or site.clock())
        codes = sorted(code for code in site.rows if code > cursor["after"])
        ended = len(codes) <= _PAGE
        records = [
            Record(f"/dossiers#{code}", _shown(site.rows[code]), site.clock())
            for code in codes[:_PAGE]
        ]
        after = self.start(None) if ended else {"after": codes[_PAGE - 1], "at": str(at)}
        listing = Listing(f"pass {at}", at, ended) if site.complete else None
        return Page(records, after, ended, listing=listing)

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Map a row; an odd one only when the YAML is lenient."""
        row = Row(Fact(*record.data["fact"]), *record.data["rest"])
        if row.odd and not self._site.lenient:
            error = RejectedRecord(RejectReason.BAD_VALUE, field="unit", value="?")
            error.dossier_code = row.fact.code
            raise error
        return _events(self._site, row, record.observed_at)

    async def close(self) -> None:
        """Nothing is held."""


def _shown(row: Row) -> dict[str, Any]:
    return {"fact": list(row.fact), "rest": list(row[1:])}


def _ms(text: str) -> int | None:
    day = int(text[8:10])
    return None if not day else _RECEIVED + (day - 5) * _DAY


def _events(site: Site, row: Row, observed_at: int) -> list[DossierEvent]:
    fact = row.fact
    finished = _ms(fact.end)
    return from_dossier(
        Facts(
            portal=site.portal,
            province="H37",
            dossier_code=fact.code,
            agency=fact.unit,
            procedure="",
            domain="e",
            service_level=ServiceLevel.UNKNOWN,
            channel=Channel.ONLINE if fact.channel == "M" else Channel.DIRECT,
            source_status="",
            status=Status.PROCESSING if finished is None else Status.PROCESSED,
            occurred_at=None,
            sequence=None,
            submitted_at=_RECEIVED - row.owner * _DAY,
            received_at=_RECEIVED,
            due_at=_ms(fact.due),
            finished_at=finished,
            returned_at=None,
            sealed=site.seal(row),
            observed_at=observed_at,
            stated_at=row.changed_at,
        )
    )


def owners_of(events: Iterable[DossierEvent], portal: str) -> dict[str, set[int]]:
    """Give who filed each dossier of a portal by the log: more than one is a merge."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for event in events:
        if event.portal == portal and event.submitted_at is not None:
            found[event.dossier_code].add((_RECEIVED - event.submitted_at) // _DAY)
    return found
