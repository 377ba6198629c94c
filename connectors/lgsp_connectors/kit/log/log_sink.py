"""The log as sink and as keeper of checkpoints."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lgsp.domain.errors import ConfigurationError, RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import EventProducer, latest_by_key
from lgsp.runtime.kafka.topics import CHECKPOINTS, DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import DeadLetter, DeadLetters, Stage
from lgsp.runtime.personal import shown_code
from lgsp_connectors.kit.contract import OWN, Cursor, Record, part_of
from lgsp_connectors.kit.log.written_log import WrittenLog
from lgsp_connectors.kit.memory.kept import KeptCursor
from lgsp_connectors.kit.memory.met import Met, digest_of
from lgsp_connectors.kit.memory.state import state_file
from lgsp_connectors.kit.replayed import kept_of
from lgsp_connectors.kit.sink import (
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    payload_of,
)

_LARGEST = 64 * 1024  # characters of a cursor that the log itself keeps


class LogSink:
    """Sends events to `dossier-events`, keyed by dossier code, and rejects to `dead-letters`.

    Args:
        events: takes the events.
        letters: takes the rejects.
        portal: whose they are.
        opened: letters that are open on the log.
    """

    def __init__(
        self,
        events: BulkProducer,
        letters: DeadLetters,
        portal: str,
        opened: Iterable[DeadLetter] = (),
    ) -> None:
        self._events, self._add = events, events.add
        self._letters, self._portal = letters, portal
        mine = [x for x in opened if x.portal == portal and x.stage is Stage.CONNECTOR]
        self._found = [met_of(letter) for letter in mine]
        self._open = {letter.letter_id for letter in mine}
        self._closing: list[str] = []
        self._pending = False

    def send(self, event: DossierEvent) -> None:
        """Hand over one event."""
        self._add(event.dossier_code.encode(), encode_event_fast(event))

    def reject(self, record: Record, error: RejectedRecord) -> None:
        """Hand over one reject; the record travels sealed."""
        payload = payload_of(record)
        letter_id = self._letters.write(
            Stage.CONNECTOR,
            error,
            origin=record.origin,
            place=_place(record, payload),
            payload=payload,
            kept=kept_of(record),
            portal=self._portal,
            dossier_code=harmless_code(error.dossier_code),
        )
        self._open.add(letter_id)
        self._pending = True

    def letter_of(self, record: Record) -> str:
        """Give the id of the letter that a record would have."""
        payload = payload_of(record)
        place = _place(record, payload)
        return self._letters.identify(Stage.CONNECTOR, self._portal, place, payload)

    def opened(self) -> Iterable[Met]:
        """Give the letters that were open when the run began."""
        return self._found

    def close(self, letters: Iterable[str]) -> int:
        """Close letters, with the next flush; tell how many of them were open.

        One that somebody has closed meanwhile is closed once more, which does nothing.
        """
        closing = list(letters)
        self._closing += closing
        known = self._open & set(closing)
        self._open -= known
        return len(known)

    async def flush(self) -> None:
        """Wait until events and letters are acknowledged; letters close once the events are."""
        await self._events.flush()
        if self._closing:
            self._letters.close(self._closing)
            self._closing, self._pending = [], True
        if self._pending:
            await asyncio.to_thread(self._letters.flush)
            self._pending = False


def met_of(letter: DeadLetter) -> Met:
    """Give an open letter as it is remembered; of a masked name of a file nobody knows whose."""
    file, colon, row = letter.origin.rpartition(":")
    of_file = "://" not in letter.origin and "#" not in letter.origin
    part = part_of(file if colon and row.isdecimal() else letter.origin) if of_file else ""
    own = "" if part else letter.origin.partition("#")[2]
    return Met(letter.letter_id, part, code=digest_of(letter.dossier_code), own=digest_of(own))


def harmless_code(code: str) -> str:
    """Give a dossier's code as a letter may have it in clear; "" when it may be a person's."""
    return code if shown_code(code) == code else ""


def _place(record: Record, payload: bytes) -> str:
    """Give what tells a record's letter from those of other records, beside its bytes."""
    return "" if payload else record.origin


class LogCheckpoints:
    """Keeps cursors on the compacted topic `connector-checkpoints`, one key a connector.

    A cursor that is too large for that stands in a file of this machine, and the log names it.

    Args:
        producer: waits for its acknowledgement at each store.
        bootstrap: brokers to ask.
        clock: gives ms UTC.
        data: folder of local state.
        by: connector and YAML that read the portal; "": whichever.
        take_over: go on where another connector or YAML stood.
        new_log: read all anew where the checkpoint is of another log.
        topic: the log.
        ends: gives the offset behind what was written to it by now, by partition.
    """

    def __init__(
        self,
        producer: EventProducer,
        bootstrap: str,
        clock: Callable[[], int],
        data: Path,
        *,
        by: str = "",
        take_over: bool = False,
        new_log: bool = False,
        topic: str = DOSSIER_EVENTS,
        ends: Callable[[], Mapping[int, int]] = dict,
    ) -> None:
        self._producer, self._bootstrap, self._clock = producer, bootstrap, clock
        self._data, self._by, self._take_over = data, by, take_over
        self._new_log = new_log
        self._written = WrittenLog(bootstrap, topic)
        self._ends = ends
        self._ends_before: dict[str, Mapping[str, int]] = {}
        self._kept: dict[str, KeptCursor] = {}

    def load(self, key: str) -> Cursor | None:
        """Read the newest cursor of `key` from the log, or from the file that the log names.

        Raises:
            ConfigurationError: another connector or YAML stored it, and `take_over` is not set; or
                it is of another log, or of more of it than there is, and `new_log` is not set.
        """
        value = latest_by_key(self._bootstrap, CHECKPOINTS).get(key.encode())
        if value is None:
            return None
        cursor, _, kept, by, log, ends = decode_checkpoint(value)
        if by and self._by and by != self._by and not self._take_over:
            raise ConfigurationError(
                f"portal {key} was read by {by} until now, and this is {self._by}: two of one"
                " portal id would lose each other's place. Give one of them another `portal`;"
                " or, when this one replaces it, run it once with --take-over"
            )
        if not self._written.resume(key, log, ends, anew=self._new_log):
            return None
        if log == self._written.token:
            self._ends_before[key] = ends
        if kept:
            cursor |= self._kept_cursor(key).load(kept) or {}
        if by and self._take_over and by != self._by:
            self.store(key, cursor)
        return cursor

    def store(self, key: str, cursor: Cursor) -> None:
        """Keep the cursor, and wait until it is acknowledged.

        Raises:
            FatalError: the log is not the one of the start any more.
        """
        self._written.confirm()
        token = ""
        small = {name: value for name, value in cursor.items() if name.startswith(OWN)}
        if _size(cursor) > _LARGEST:
            large = {name: value for name, value in cursor.items() if name not in small}
            token = self._kept_cursor(key).store(large)
        written = {str(partition): end for partition, end in self._ends().items()}
        value = encode_checkpoint(
            Checkpoint(
                small if token else cursor,
                self._clock(),
                token,
                self._by,
                self._written.token,
                {**self._ends_before.get(key, {}), **written},
            )
        )
        self._producer.send(CHECKPOINTS, key.encode(), value)
        self._producer.flush()

    def forget(self, key: str) -> None:
        """Delete the cursor of `key`."""
        self._producer.send(CHECKPOINTS, key.encode(), None)
        self._producer.flush()
        self._kept_cursor(key).forget()

    def close(self) -> None:
        """Close the files."""
        for kept in self._kept.values():
            kept.close()

    def _kept_cursor(self, key: str) -> KeptCursor:
        if key not in self._kept:
            self._kept[key] = KeptCursor(state_file(self._data, key, "cursor"))
        return self._kept[key]


def _size(cursor: Cursor) -> int:
    return sum(map(len, cursor)) + sum(map(len, cursor.values()))
