"""The log as sink and as keeper of checkpoints."""

import asyncio
from collections.abc import Callable

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import EventProducer, latest_by_key
from lgsp.runtime.kafka.topics import CHECKPOINTS
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp_connectors.kit.contract import Cursor, Record
from lgsp_connectors.kit.sink import decode_checkpoint, encode_checkpoint, payload_of


class LogSink:
    """Sends events to `dossier-events`, keyed by dossier code, and rejects to `dead-letters`."""

    def __init__(self, events: BulkProducer, letters: DeadLetters, portal: str) -> None:
        self._events, self._add = events, events.add
        self._letters, self._portal = letters, portal
        self._parked = False

    def send(self, event: DossierEvent) -> None:
        """Hand over one event."""
        self._add(event.dossier_code.encode(), encode_event_fast(event))

    def reject(self, record: Record, error: RejectedRecord) -> None:
        """Hand over one reject; the record travels sealed."""
        self._letters.write(
            Stage.CONNECTOR,
            error,
            origin=record.origin,
            payload=payload_of(record),
            portal=self._portal,
        )
        self._parked = True

    async def flush(self) -> None:
        """Wait until events and letters are acknowledged."""
        await self._events.flush()
        if self._parked:
            await asyncio.to_thread(self._letters.flush)
            self._parked = False


class LogCheckpoints:
    """Keeps cursors on the compacted topic `connector-checkpoints`, one key a connector."""

    def __init__(self, producer: EventProducer, bootstrap: str, clock: Callable[[], int]) -> None:
        self._producer, self._bootstrap, self._clock = producer, bootstrap, clock

    def load(self, key: str) -> Cursor | None:
        """Read the newest cursor of `key` from the log."""
        value = latest_by_key(self._bootstrap, CHECKPOINTS).get(key.encode())
        return decode_checkpoint(value) if value is not None else None

    def store(self, key: str, cursor: Cursor) -> None:
        """Send the cursor and wait until it is acknowledged."""
        value = encode_checkpoint(cursor, self._clock())
        self._producer.send(CHECKPOINTS, key.encode(), value)
        self._producer.flush()

    def forget(self, key: str) -> None:
        """Delete the cursor of `key`."""
        self._producer.send(CHECKPOINTS, key.encode(), None)
        self._producer.flush()
