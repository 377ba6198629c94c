"""Where a connector's events, rejects and checkpoints go: the log, through one producer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Cursor, Record
from lgsp_connectors.kit.memory.met import Met


class Sink(Protocol):
    """Takes what a page gave; nothing counts as kept before `flush` returned."""

    def send(self, event: DossierEvent) -> None:
        """Hand over one event."""
        ...

    def reject(self, record: Record, error: RejectedRecord) -> None:
        """Hand over one rejected record as a dead letter."""
        ...

    def letter_of(self, record: Record) -> str:
        """Give the id of the letter that a record would have, wherever it stands."""
        ...

    def opened(self) -> Iterable[Met]:
        """Give the letters that were open when the run began."""
        ...

    def close(self, letters: Iterable[str]) -> int:
        """Close letters, with the next flush; tell how many of them were open."""
        ...

    async def flush(self) -> None:
        """Wait until all that was handed over is kept; LgspError when some of it is not."""
        ...


class Checkpoints(Protocol):
    """Keeps the cursor of each connector under its key."""

    def load(self, key: str) -> Cursor | None:
        """Give the newest stored cursor; None when there is none."""
        ...

    def store(self, key: str, cursor: Cursor) -> None:
        """Keep `cursor` durably; LgspError when that failed."""
        ...


def payload_of(record: Record) -> bytes:
    """Give the original record as bytes, for the (sealed) payload of a dead letter.

    Whatever it holds: half characters, numbers of any length, an author's own objects.
    """
    if isinstance(record.data, bytes):
        return record.data
    try:
        return orjson.dumps(record.data)
    except orjson.JSONEncodeError:  # half a surrogate pair, or an integer of more than 64 bits
        return json.dumps(record.data, default=repr).encode()


class Checkpoint(NamedTuple):
    """A checkpoint as it stands on the log.

    Args:
        cursor: where the connector stands.
        stored_at: ms UTC.
        kept: names the file of a large cursor, of which `cursor` has the kit's own names only.
        by: connector and YAML that stored it.
        log: which log all before it was written to (written_log.py); "": it was not noted yet.
        ends: offset behind what was written there, by partition; none: it was not noted yet.
    """

    cursor: Cursor
    stored_at: int
    kept: str = ""
    by: str = ""
    log: str = ""
    ends: Mapping[str, int] = {}


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Give a checkpoint as it stands on the log; the feed reads `log` and `ends` of it, too."""
    return orjson.dumps(checkpoint._asdict())


def decode_checkpoint(value: bytes) -> Checkpoint:
    """Read what `encode_checkpoint` wrote, now or before it had all of its parts."""
    found: dict[str, Any] = orjson.loads(value)
    return Checkpoint(
        {str(k): str(v) for k, v in found["cursor"].items()},
        found["stored_at"],
        found.get("kept", ""),
        found.get("by", ""),
        found.get("log", ""),
        found.get("ends", {}),
    )
