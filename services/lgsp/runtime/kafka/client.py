"""Our use of kafka-python: one producer and bounded reading. Blocking; not the hot path.

Failures come out as RetryableError (brokers away, time-outs: the same call may work later) or
FatalError (refused for good). Calls wait out a short absence of the brokers by themselves.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner import Partitioner

from lgsp.domain.errors import RetryableError
from lgsp.runtime.kafka.cluster import (
    COMMON,
    PATIENCE,
    connect_options,
    connect_with_retries,
    is_retryable,
    translate_error,
)
from lgsp.runtime.kafka.partition import partition_of

_UNFLUSHED = 50_000  # records handed to the client and not yet acknowledged; bounds its memory
_FETCH_BYTES = 4 * 1024 * 1024


class KafkaRecord(NamedTuple):
    """One record as read; `timestamp` in ms UTC, value None = deleted (a tombstone)."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


class _CachedPartitioner(Partitioner):  # type: ignore[misc]
    """Java's choice of partition by key, without hashing a key again and again.

    The client's own partitioner hashes in Python and sorts the partitions for each record, a
    quarter of the cost of sending it.
    """

    def partition(
        self,
        topic: str,
        _key: Any,
        serialized_key: bytes,
        _value: Any,
        _serialized_value: Any,
        cluster: Any,
    ) -> int:
        """Give the partition of a key; partitions are numbered from 0 without a gap."""
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            raise ValueError(f"topic {topic} is not known")
        return partition_of(serialized_key, len(partitions))


class EventProducer:
    """Sends keyed records idempotently; only `flush` says that they are on the log.

    Keys choose partitions as Java's client does (murmur2). For one thread at a time.
    """

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._sent = 0
        self._failures: list[Exception] = []

    def send(
        self, topic: str, key: bytes, value: bytes | None, partition: int | None = None
    ) -> None:
        """Hand over one record; waits while too many are not acknowledged yet.

        Args:
            topic: an existing topic (topics are never created by sending).
            key: chooses the partition, and the record a compacted topic keeps.
            value: the bytes; None deletes the key of a compacted topic.
            partition: overrides the choice by key.

        Raises:
            RetryableError: the topic or its leader is not known; or an earlier record failed.
            FatalError: the record, or an earlier one, can never be sent.
        """
        if self._sent >= _UNFLUSHED:
            self.flush()
        try:
            future = self._producer.send(topic, value, key, partition=partition)
        except KafkaError as error:
            raise translate_error(f"cannot send to {topic}", error) from error
        future.add_errback(self._failures.append)
        self._sent += 1

    def flush(self, timeout: float = 120) -> None:
        """Wait until everything handed over is acknowledged by all in-sync replicas.

        Raises:
            RetryableError: some of it was not acknowledged in `timeout` seconds, or failed in a
                way that sending again may cure; send again all since the last good flush.
            FatalError: some of it was refused for good; this producer sends nothing any more.
        """
        try:
            self._producer.flush(timeout)
        except KafkaError as error:
            raise translate_error("records are not acknowledged", error) from error
        failures, self._failures = self._failures, []
        sent, self._sent = self._sent, 0
        if failures:
            refused = [failure for failure in failures if not is_retryable(failure)]
            worst = (refused or failures)[0]
            raise translate_error(
                f"{len(failures)} of {sent} records not acknowledged", worst
            ) from worst

    def close(self, timeout: float = 3) -> None:
        """Close the connections; what was not flushed may be lost."""
        self._producer.close(timeout)


def make_producer(bootstrap: str) -> EventProducer:
    """Return a connected producer: idempotent, all replicas acknowledge, zstd.

    Raises:
        RetryableError: no broker answers.
    """

    def connect() -> Any:
        return KafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            client_id="lgsp",
            partitioner=_CachedPartitioner(),
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            linger_ms=100,  # callers flush; so this only decides how full batches are
            batch_size=256 * 1024,
            max_block_ms=int(PATIENCE * 1000),
            **COMMON,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    return EventProducer(connect_with_retries(bootstrap, connect))


def begin_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Return the first offset still kept of every partition; empty when there is no such topic."""
    with _open_reader(bootstrap) as reader:
        return _offsets(reader.beginning_offsets, _partitions(reader, topic))


def end_offsets(bootstrap: str, topic: str, patience: float = PATIENCE) -> dict[int, int]:
    """Return the next offset to be written of every partition; empty without such a topic.

    Raises:
        RetryableError: no broker answers within about `patience` seconds.
    """
    with _open_reader(bootstrap, patience) as reader:
        return _offsets(reader.end_offsets, _partitions(reader, topic))


def read_topic(
    bootstrap: str, topic: str, start: Mapping[int, int] | None = None
) -> Iterator[KafkaRecord]:
    """Read from the beginning to the end as it is at the call; offset order in each partition.

    Args:
        bootstrap: brokers to ask.
        topic: nothing is read when it does not exist.
        start: first offset to read of some partitions; the others from their beginning.

    Raises:
        RetryableError: the brokers went away, or a partition gave nothing for 30 seconds.
    """
    with _open_reader(bootstrap) as reader:
        partitions = _partitions(reader, topic)
        if not partitions:
            return
        ends = _offsets(reader.end_offsets, partitions)
        begins = _offsets(reader.beginning_offsets, partitions)
        reader.assign(partitions)
        for tp in partitions:
            wanted = (start or {}).get(tp.partition, 0)
            reader.seek(tp, max(wanted, begins[tp.partition]))
        yield from _read_to(reader, partitions, ends)


def latest_by_key(bootstrap: str, topic: str) -> dict[bytes, bytes]:
    """Read a compacted topic: the newest value of every key, deleted keys left out."""
    latest: dict[bytes, bytes] = {}
    for record in read_topic(bootstrap, topic):
        if record.key is None:
            continue
        if record.value is None:
            latest.pop(record.key, None)
        else:
            latest[record.key] = record.value
    return latest


@contextmanager
def _open_reader(bootstrap: str, patience: float = PATIENCE) -> Iterator[Any]:
    def connect() -> Any:
        return KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            client_id="lgsp-reader",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
            allow_auto_create_topics=False,
            **connect_options(patience),
            metrics_enabled=False,
        )

    reader = connect_with_retries(bootstrap, connect, patience)
    try:
        yield reader
    except KafkaError as error:
        raise translate_error(f"the broker at {bootstrap}", error) from error
    finally:
        reader.close()


def _partitions(reader: Any, topic: str) -> list[Any]:
    found = reader.partitions_for_topic(topic)
    return [TopicPartition(topic, partition) for partition in sorted(found or ())]


def _offsets(ask: Callable[[list[Any]], dict[Any, int]], partitions: list[Any]) -> dict[int, int]:
    return {tp.partition: at for tp, at in ask(partitions).items()} if partitions else {}


def _read_to(reader: Any, partitions: list[Any], ends: Mapping[int, int]) -> Iterator[KafkaRecord]:
    moved = time.monotonic()
    while any(reader.position(tp) < ends[tp.partition] for tp in partitions):
        batches = reader.poll(timeout_ms=500, max_records=5000)
        if batches:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            raise RetryableError(f"{partitions[0].topic} gave nothing for {PATIENCE:.0f} s")
        for tp, records in batches.items():
            for r in records:
                if r.offset < ends[tp.partition]:
                    yield KafkaRecord(tp.partition, r.offset, r.key, r.value, r.timestamp)
