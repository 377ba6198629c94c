"""Brings dead letters back: records of the log onto the log, portals' records into a file.

A portal's record can only be read by its connector, after somebody mended it: it is written to a
JSONL file for the `files` connector. A letter is closed once its record is safe again.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.kafka.client import EventProducer
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import DeadLetter, Stage, close_letters
from lgsp.runtime.sealing import Sealer

RAW = "raw_record"
"""Key of a line whose record is not a JSON object: its text as found."""


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """How many letters went where."""

    to_log: int
    to_file: int


def replay(
    letters: Sequence[DeadLetter],
    sealer: Sealer,
    producer: EventProducer,
    out: Path | None,
    topic: str = DOSSIER_EVENTS,
) -> Replayed:
    """Replay letters, then close them; after a crash in between they are open still.

    Repeating a replay is harmless: equal records give equal event ids.

    Args:
        letters: as `open_letters` gives them.
        sealer: holds the keys that sealed the payloads.
        producer: to the log and dead-letters.
        out: new file for the portals' records, in clear, readable by its owner only.
        topic: the log.

    Raises:
        ConfigurationError: there are portals' records and no `out`, or it exists already.
        RejectedRecord: a payload cannot be opened; nothing was replayed.
    """
    from_log = [letter for letter in letters if letter.stage is not Stage.CONNECTOR]
    from_portals = [letter for letter in letters if letter.stage is Stage.CONNECTOR]
    if from_portals and out is None:
        raise ConfigurationError(
            f"{len(from_portals)} letters hold portals' records: name a new file with --out,"
            " mend them there, and feed it through the files connector"
        )
    records = [(letter, open_payload(letter, sealer)) for letter in from_log]
    lines = [as_line(open_payload(letter, sealer)) for letter in from_portals]
    for letter, value in records:
        key = letter.dossier_code.encode()
        producer.send(topic, key, value, partition=_partition(letter, topic))
    producer.flush()
    if lines and out is not None:
        _write_new(out, lines)
    close_letters(producer, letters)
    return Replayed(to_log=len(records), to_file=len(lines))


def open_payload(letter: DeadLetter, sealer: Sealer) -> bytes:
    """Return the original record in clear; RejectedRecord when the keys do not open it."""
    return sealer.open(letter.payload or b"", letter.letter_id)


def as_line(payload: bytes) -> bytes:
    """Return the record as one JSON object on one line; see RAW."""
    try:
        found: Any = orjson.loads(payload)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        found = {RAW: payload.decode(errors="replace")}
    return orjson.dumps(found) + b"\n"


def _partition(letter: DeadLetter, log: str) -> int | None:
    """The partition it came from; None (by key) when the origin does not say."""
    topic, _, rest = letter.origin.partition("/")
    partition = rest.partition("/")[0]
    return int(partition) if topic == log and partition.isdigit() else None


def _write_new(path: Path, lines: Sequence[bytes]) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(f"--out {path}: {error.strerror}") from error
