"""The connector contract: all that the author of a portal writes, and what the kit hands over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import BaseModel

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.config import Document

Cursor = dict[str, str]
"""Where a connector stands: flat, opaque to the kit, and of any size: a large one is kept in a
file, of which only what changed is written. Names that begin with `~` are the kit's own."""

OWN = "~"
"""Beginning of the names in a stored cursor that are the kit's own."""

Seal = Callable[[Mapping[str, str], str], bytes]
"""Seals personal fields for one dossier code (the associated data)."""


def part_of(file: str) -> str:
    """Give what stands for a file: a digest, because its name may be a person's; "" for none."""
    return blake2b(file.encode(), digest_size=12).hexdigest() if file else ""


class Record(NamedTuple):
    """One raw record of a portal.

    Args:
        origin: where it was read ("file:line", URL); goes into the dead letter. Of a record that
            stands in no file, what is behind a `#` is its own id there, whatever changes of it.
        data: the record as the portal gave it; bytes when it could not be decoded.
        observed_at: when we read it, ms UTC.
        fault: what was already wrong with it while reading; such a record is never mapped.
        file: name of the file it stands in; "" when it stands in none.
        file_time: when that file was last written, ms UTC; None when it is not known.
        row: its place in that file, counted from 1; later rows have higher ones.
    """

    origin: str
    data: Any
    observed_at: int
    fault: RejectedRecord | None = None
    file: str = ""
    file_time: int | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete list of the source's dossiers, which a page is a part of.

    Args:
        name: tells it from every other one; the same for all of its pages.
        at: when the source stated it, ms UTC: what it does not hold was gone by then.
        ended: this page is its last one, and nothing of it was left out.
        part: the file that is this list (`part_of`); "" when it stands in none.
    """

    name: str
    at: int
    ended: bool
    part: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What one fetch read: the records, and the cursor that stands after them.

    Args:
        records: in the order of the source.
        cursor: where the next fetch goes on.
        caught_up: nothing more can be read now.
        done: progress in the source's own units (bytes, rows).
        total: what `done` will be at the end; 0: not known.
        wait: caught up, but something is still being written (a last line): seconds after which
            it may be whole; 0: nothing is.
        skipped: rows that are no records by a rule (empty, sums).
        refused: parts of the source (files) that cannot be used now, as a whole or from some
            place on; each has its dead letter.
        empty: parts of the source (files) without any content, which is no fault of theirs.
        whole: each record states its whole dossier, not one step of it.
        listing: the complete list that all records of the page belong to; None: no such list.
            Known dossiers that it does not hold are removed when it has ended.
        problem: why the source does not count as level though all of it was read ("no file
            matches …"); "" when it does.
        begun: files (`part_of`) whose records are given from the first one on, whatever was read
            of them before.
        read: files that were read to their end: what was rejected of them before, and not again
            since they were `begun`, does not stand there any more.
        lost: files that are not there any more.
    """

    records: Sequence[Record]
    cursor: Cursor
    caught_up: bool
    done: int = 0
    total: int = 0
    wait: float = 0
    skipped: int = 0
    refused: int = 0
    empty: int = 0
    problem: str = ""
    whole: bool = True
    listing: Listing | None = None
    begun: Sequence[str] = ()
    read: Sequence[str] = ()
    lost: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What the kit gives a connector: identity, clock, the YAML it came from, sealing."""

    portal: str
    province: str
    document: Document
    clock: Callable[[], int]
    seal: Seal | None = None
    base: Path = field(default_factory=Path)


class Word(NamedTuple):
    """A word of a record that a map was asked for.

    Args:
        attribute: whose value it says.
        column: where it stands.
        word: as found; described where it may be a person's.
        means: the value that it is mapped to; "" when it rejects its record.
    """

    attribute: str
    column: str
    word: str
    means: str


class Connector(Protocol):
    """A pull connector; made as `Class(settings, context)`, no base class needed.

    Guarantees owed to the kit: `fetch` is the only I/O and is repeatable - called again with the
    same cursor (after a crash) it returns at least the same records. `to_events` is pure: the same
    record gives the same events with the same ids, on every machine.

    `starter`, a class attribute that may be left out, is the YAML that `lgsp-connect new` writes;
    `{name}` in it becomes the id of the portal. `sample`, likewise, is the text of a file that it
    reads, NAME.sample beside the YAML. Two more parts may be left out, which `check` shows:
    `order`, a text that says what orders corrections, and `words(record)`, which gives the `Word`s
    of a record.
    """

    name: ClassVar[str]
    settings: ClassVar[type[BaseModel]]

    def start(self, since: int | None) -> Cursor:
        """Return the first cursor: None reads everything, a time (ms UTC) reads from there on."""
        ...

    async def fetch(self, cursor: Cursor) -> Page:
        """Read the next page after `cursor`.

        Raises:
            RetryableError: the same call may succeed later.
            FatalError: going on would lose data or never succeed.
        """
        ...

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Give the transitions that a record states, ids filled in; RejectedRecord if unusable."""
        ...

    async def close(self) -> None:
        """Free connections and files; the connector is not used afterwards."""
        ...
