"""The connector contract: all that the author of a portal writes, and what the kit hands over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import BaseModel

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.config import Document

Cursor = dict[str, str]
"""Where a connector stands: flat, opaque to the kit, stored as JSON."""

Seal = Callable[[Mapping[str, str], str], bytes]
"""Seals personal fields for one dossier code (the associated data)."""


class Record(NamedTuple):
    """One raw record of a portal.

    Args:
        origin: where it was read ("file:line", URL); goes into the dead letter.
        data: the record as the portal gave it; bytes when it could not be decoded.
        observed_at: when we read it, ms UTC.
        fault: what was already wrong with it while reading; such a record is never mapped.
    """

    origin: str
    data: Any
    observed_at: int
    fault: RejectedRecord | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What one fetch read: the records, and the cursor that stands after them.

    `done` and `total` are the progress in the source's own units (bytes, rows); total 0: unknown.
    """

    records: Sequence[Record]
    cursor: Cursor
    caught_up: bool
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """What the kit gives a connector: identity, clock, the YAML it came from, sealing."""

    portal: str
    province: str
    document: Document
    clock: Callable[[], int]
    seal: Seal | None = None
    base: Path = field(default_factory=Path)


class Connector(Protocol):
    """A pull connector; made as `Class(settings, context)`, no base class needed.

    Guarantees owed to the kit: `fetch` is the only I/O and is repeatable - called again with the
    same cursor (after a crash) it returns at least the same records. `to_events` is pure: the same
    record gives the same events with the same ids, on every machine.
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
