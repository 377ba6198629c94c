"""Publishes the head of the evidence to the topic `evidence-heads`, and reads what was published.

Who can write to the store can cut its end off, or hash all anew from a changed row on. What was
published before contradicts him. Key: the store's id; value: JSON.
"""

import asyncio
import time
from collections.abc import Callable

import orjson
import structlog

from lgsp.domain.errors import FatalError, LgspError, RetryableError
from lgsp.domain.evidence.chain import ChainHead
from lgsp.runtime import metrics
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import EventProducer, read_topic
from lgsp.runtime.kafka.topics import EVIDENCE_HEADS

_EVERY = 10.0  # seconds
_NO_TOPIC = 30.0  # seconds until it is looked for again
_LAST_WITHIN = 3.0


class HeadPublisher:
    """Publishes when the head has moved.

    Args:
        bootstrap: brokers.
        head: gives the head as it is stored.
    """

    def __init__(self, bootstrap: str, head: Callable[[], ChainHead]) -> None:
        self._bootstrap, self._head = bootstrap, head
        self._published: ChainHead | None = None
        self._behind_since: float | None = None
        self._log = structlog.get_logger().bind(part="evidence")
        metrics.EVIDENCE_HEAD_AGE.set_function(self._age)

    async def run(self) -> None:
        """Publish every few seconds until cancelled; what hinders is logged, and ends nobody."""
        while True:
            try:
                async with BulkProducer(self._bootstrap, EVIDENCE_HEADS, waits=True) as producer:
                    await self._publish(producer)
            except FatalError as error:
                self._log.error("evidence_head_not_published", reason=str(error))
                self._note(self._head())
                await asyncio.sleep(_NO_TOPIC)

    def publish_last(self, producer: EventProducer) -> None:
        """Publish the head as a worker ends; what is not acknowledged in time is left out."""
        try:
            if (head := self._head()) != self._published and head.seq:
                producer.send(EVIDENCE_HEADS, head.store.encode(), encode_head(head))
                producer.flush(_LAST_WITHIN)
                self._published = head
        except LgspError as error:
            self._log.warning("evidence_head_not_published", reason=str(error))

    async def _publish(self, producer: BulkProducer) -> None:
        while True:
            head = self._head()
            self._note(head)
            if head.seq and head != self._published:
                producer.add(head.store.encode(), encode_head(head))
                try:
                    await producer.flush()
                except RetryableError as error:  # the broker is away: others say so
                    self._log.debug("evidence_head_not_published", reason=str(error))
                else:
                    self._published, self._behind_since = head, None
            await asyncio.sleep(_EVERY)

    def _note(self, head: ChainHead) -> None:
        if head.seq and head != self._published and self._behind_since is None:
            self._behind_since = time.monotonic()

    def _age(self) -> float:
        since = self._behind_since
        return 0.0 if since is None else time.monotonic() - since


def encode_head(head: ChainHead) -> bytes:
    """Give a head as it stands in the topic."""
    return orjson.dumps(
        {"store": head.store, "rows": head.seq, "hash": head.hash.hex(), "at": head.at}
    )


def read_heads(bootstrap: str) -> tuple[list[ChainHead], int]:
    """Return every head that was published, and how many records cannot be read.

    Raises:
        RetryableError: no broker answers.
    """
    heads, unreadable = [], 0
    for record in read_topic(bootstrap, EVIDENCE_HEADS):
        try:
            found = orjson.loads(record.value or b"")
            heads.append(
                ChainHead(
                    str(found["store"]),
                    int(found["rows"]),
                    bytes.fromhex(found["hash"]),
                    int(found["at"]),
                )
            )
        except (ValueError, TypeError, KeyError):
            unreadable += 1
    return heads, unreadable
