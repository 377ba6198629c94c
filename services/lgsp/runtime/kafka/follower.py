"""Follows compacted topics and the ends of the log from one thread, with one client kept open.

Made for a look each second: a look reads what has come since the last one, and nothing else.
"""

import socket
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lgsp.domain.errors import RetryableError
from lgsp.runtime.kafka.cluster import connect_options, translate_error

_PATIENCE = 5.0  # seconds for which one question to the brokers may take
_AT_ONCE = 5000
_METADATA_OLD = 3000  # ms; a topic made anew is met after that long


class Table(Protocol):
    """What is kept of a compacted topic."""

    def clear(self) -> None:
        """Forget everything: the topic is read from its beginning."""
        ...

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take the newest value of a key; None: deleted."""
        ...


class Ends(NamedTuple):
    """Offsets of a topic by partition: the first one kept, and the next one to be written."""

    first: Mapping[int, int]
    next: Mapping[int, int]


class Follower:
    """Keeps tables as their topics are, and tells how far another topic goes.

    For one thread. After any failure everything is read anew.

    Args:
        bootstrap: brokers to ask.
        log: topic whose ends are asked for.
        tables: topic -> what is kept of it; a topic that is not there is an empty table.
    """

    def __init__(self, bootstrap: str, log: str, tables: Mapping[str, Table]) -> None:
        self._bootstrap, self._log, self._tables = bootstrap, log, tables
        self._reader: Any = None

    def look(self, before: Callable[[], None] = lambda: None) -> Ends:
        """Bring the tables up to date and return the ends of the log.

        Args:
            before: called once the brokers answer, before the ends are asked for.

        Raises:
            RetryableError: no broker answers soon.
            FatalError: the brokers refuse.
        """
        try:
            reader = self._opened()
            self._bring_up_to_date(reader)
            before()
            partitions = _partitions(reader, self._log)
            if not partitions:
                return Ends({}, {})
            return Ends(
                _by_partition(reader.beginning_offsets(partitions)),
                _by_partition(reader.end_offsets(partitions)),
            )
        except KafkaError as error:
            self.close()
            raise translate_error(f"the broker at {self._bootstrap}", error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; the next look connects anew."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close(timeout_ms=1000)

    def _opened(self) -> Any:
        if self._reader is None:
            _probe(self._bootstrap)  # the client would wait and complain for long
            self._reader = KafkaConsumer(
                bootstrap_servers=self._bootstrap.split(","),
                client_id="lgsp-follower",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                metadata_max_age_ms=_METADATA_OLD,
                request_timeout_ms=int(_PATIENCE * 1000),
                metrics_enabled=False,
                **connect_options(_PATIENCE),
            )
        return self._reader

    def _bring_up_to_date(self, reader: Any) -> None:
        """Read what has come of the tables; all of them, when one was made or made anew."""
        partitions = [tp for topic in self._tables for tp in _partitions(reader, topic)]
        ends = reader.end_offsets(partitions) if partitions else {}
        if set(partitions) != reader.assignment() or any(
            reader.position(tp) > ends[tp] for tp in partitions
        ):
            for table in self._tables.values():
                table.clear()
            reader.assign(partitions)
            reader.seek_to_beginning(*partitions)
        while any(reader.position(tp) < ends[tp] for tp in partitions):
            found = reader.poll(timeout_ms=int(_PATIENCE * 1000), max_records=_AT_ONCE)
            if not found:
                raise RetryableError(f"a topic of {sorted(self._tables)} gives nothing")
            for tp, records in found.items():
                table = self._tables[tp.topic]
                for record in records:
                    if record.key is not None:
                        table.take(record.key, record.value)


def _partitions(reader: Any, topic: str) -> list[Any]:
    found = reader.partitions_for_topic(topic)
    return [TopicPartition(topic, partition) for partition in sorted(found or ())]


def _by_partition(offsets: Mapping[Any, int]) -> dict[int, int]:
    return {tp.partition: at for tp, at in offsets.items()}


def _probe(bootstrap: str) -> None:
    """Raise RetryableError when none of the brokers takes a connection."""
    refusals = []
    for server in bootstrap.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
        except OSError as error:
            refusals.append(f"{server}: {error}")
        else:
            return
    raise RetryableError(f"no broker answers at {'; '.join(refusals)}")
