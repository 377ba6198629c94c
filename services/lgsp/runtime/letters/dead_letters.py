"""Rejected records with their cause, kept on the topic dead-letters until they are replayed.

The original record travels sealed; what stands in clear holds no personal data. The topic is
compacted: a letter is open while its key has a value; replaying it deletes the key.
"""

import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

import structlog

from lgsp.domain.errors import RejectedRecord
from lgsp.runtime import metrics
from lgsp.runtime.avro.codec import LETTERS
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.client import EventProducer, latest_by_key
from lgsp.runtime.kafka.records import LogRecord, Reject
from lgsp.runtime.kafka.topics import DEAD_LETTERS
from lgsp.runtime.logs import redact
from lgsp.runtime.personal import mask_file_name
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import Settings

_LONGEST = 200  # characters kept of a value or a detail
_LARGEST = 512 * 1024  # bytes kept of a record; the log takes letters of 1 MB


class Stage(StrEnum):
    """Where a record was rejected; a closed set, because it becomes a metric label."""

    UNKNOWN = "unknown"
    CONNECTOR = "connector"
    RATES = "rates"
    NATIONAL_SYNC = "national_sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One rejected record; see dead_letter.avsc. `payload` is sealed for the letter's id."""

    letter_id: str
    stage: Stage
    reason: str
    origin: str
    portal: str = ""
    dossier_code: str = ""
    field: str = ""
    value: str = ""
    detail: str = ""
    payload: bytes | None = None
    rejected_at: int
    version: str = ""


def encode_letter(letter: DeadLetter) -> bytes:
    """Encode a letter for the topic dead-letters."""
    record = {field.name: getattr(letter, field.name) for field in fields(DeadLetter)}
    record["stage"] = letter.stage.name
    return LETTERS.encode(record)


def decode_letter(value: bytes) -> DeadLetter:
    """Decode a record of dead-letters; RejectedRecord when it is not one."""
    record = LETTERS.decode(value)
    record["stage"] = Stage[record["stage"]]
    return DeadLetter(**record)


class DeadLetters:
    """Writes rejected records; they are safe once `flush` has returned, and not before.

    Args:
        settings: names the file of the sealing keys, which is made when absent.
        producer: may be shared; `flush` flushes all of it.
        clock: gives now in ms UTC.
    """

    def __init__(
        self,
        settings: Settings,
        producer: EventProducer,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._sealer = load_or_create(key_file(settings))
        self._producer = producer
        self._clock = clock
        self._version = importlib.metadata.version("mini-lgsp")

    def identify(self, stage: Stage, portal: str, origin: str, payload: bytes) -> str:
        """Give the id of the letter of a record: the same for the same record and place."""
        place = "\0".join((stage.name, portal, origin)).encode()
        return self._sealer.pseudonym(place + b"\0" + payload)

    def close(self, letter_ids: Iterable[str]) -> None:
        """Delete letters from the topic; done once `flush` has returned."""
        for letter_id in letter_ids:
            self._producer.send(DEAD_LETTERS, letter_id.encode(), None)

    def write(
        self,
        stage: Stage,
        cause: RejectedRecord,
        *,
        origin: str,
        payload: bytes,
        kept: bytes | None = None,
        place: str | None = None,
        portal: str = "",
        dossier_code: str = "",
    ) -> str:
        """Send one letter; the same record from the same place replaces its older letter.

        Args:
            stage: who rejects it.
            cause: why; its value and detail are masked where they look personal.
            origin: `file:line`, URL, or `topic/partition/offset`.
            payload: the original record, sealed here; of one above 512 kB its beginning.
            kept: what is sealed in its place: the record with what it needs to be read again.
            place: what tells its letter from that of the same bytes elsewhere; None: its origin.
            portal: id of the portal, when known.
            dossier_code: when known.

        Returns:
            The letter's id.
        """
        letter_id = self.identify(stage, portal, origin if place is None else place, payload)
        detail = _safe("detail", cause.detail)
        kept = payload if kept is None else kept
        if len(kept) > _LARGEST:
            detail = f"{detail} (only the first {_LARGEST:,} of {len(kept):,} bytes are kept)"
        letter = DeadLetter(
            letter_id=letter_id,
            stage=stage,
            reason=cause.reason.value,
            # Numbers in a place on the log are offsets, whatever they look like.
            origin=mask_file_name(origin) if stage is Stage.CONNECTOR else origin,
            portal=portal,
            dossier_code=dossier_code,
            field=cause.field,
            value=_safe(cause.field, cause.value),
            detail=detail.strip(),
            payload=self._sealer.seal(kept[:_LARGEST], letter_id),
            rejected_at=self._clock(),
            version=self._version,
        )
        self._producer.send(DEAD_LETTERS, letter_id.encode(), encode_letter(letter))
        return letter_id

    def write_record(
        self, stage: Stage, topic: str, partition: int, record: LogRecord, cause: RejectedRecord
    ) -> str:
        """Send a letter for a record of the log; returns its id."""
        return self.write(
            stage,
            cause,
            origin=f"{topic}/{partition}/{record.offset}",
            payload=record.value or b"",
            dossier_code=(record.key or b"").decode(errors="replace"),
        )

    def write_rejects(self, stage: Stage, topic: str, rejects: Sequence[Reject]) -> None:
        """Write records of the log as letters, counted, and return once they are durable."""
        for partition, record, cause in rejects:
            self.write_record(stage, topic, partition, record, cause)
            metrics.REJECTS.labels(stage.value, cause.reason.value).inc()
        self.flush()

    def flush(self) -> None:
        """Wait until every letter is on the log; errors as EventProducer.flush."""
        self._producer.flush()


def open_letters(bootstrap: str) -> list[DeadLetter]:
    """Return the letters not replayed yet, oldest first; RetryableError without a broker."""
    letters = []
    for key, value in latest_by_key(bootstrap, DEAD_LETTERS).items():
        try:
            letters.append(decode_letter(value))
        except RejectedRecord as error:
            letter_id = key.decode(errors="replace")
            structlog.get_logger().error("letter_unreadable", letter=letter_id, error=str(error))
    return sorted(letters, key=lambda letter: (letter.rejected_at, letter.letter_id))


def close_letters(producer: EventProducer, letters: Iterable[DeadLetter]) -> None:
    """Delete letters from the topic, durably: they were replayed, or are not worth it."""
    for letter in letters:
        producer.send(DEAD_LETTERS, letter.letter_id.encode(), None)
    producer.flush()


def _safe(name: str, text: str) -> str:
    return str(redact(None, "", {name: text})[name])[:_LONGEST]
