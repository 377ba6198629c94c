"""Asking again and again how far a topic goes, and how old its records are."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lgsp.domain.errors import RetryableError
from lgsp.runtime.kafka.cluster import connect_options

_ANSWER_WITHIN = 5.0
_PROBE_WITHIN = 2.0
_BYTES = 64 * 1024  # of a partition: a record's time is wanted, not its neighbours


class EndReader:
    """Reads the ends of one topic; connects when first asked, and anew after a failure.

    For one thread. Without an answer within seconds each question raises RetryableError.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._reader: Any = None

    def ends(self) -> dict[int, int]:
        """Return the next offset to be written of every partition; empty without such a topic."""
        with self._asking() as reader:
            asked = self._partitions(reader)
            ends = reader.end_offsets(asked, timeout_ms=_ms(_ANSWER_WITHIN)) if asked else {}
            return {tp.partition: end for tp, end in ends.items()}

    def ask(self) -> None:
        """Ask, and want nothing but an answer."""
        self.ends()

    def times(self, offsets: Mapping[int, int]) -> dict[int, int]:
        """Return when the record at, or next to, each partition's offset was written, ms UTC.

        A partition that gives nothing within seconds is left out.
        """
        found: dict[int, int] = {}
        with self._asking() as reader:
            # All stay assigned: the client mixes up what it fetched when the assignment changes.
            known = self._partitions(reader)
            if set(known) != reader.assignment():
                reader.assign(known)
                reader.pause(*known)
            wanted = [tp for tp in known if tp.partition in offsets]
            for tp in wanted:
                reader.seek(tp, offsets[tp.partition])
                reader.resume(tp)
            deadline = time.monotonic() + _ANSWER_WITHIN
            while len(found) < len(wanted) and time.monotonic() < deadline:
                for tp, records in reader.poll(timeout_ms=500, max_records=1).items():
                    found.setdefault(tp.partition, records[0].timestamp)
                    reader.pause(tp)
            reader.pause(*wanted)
        return found

    def close(self) -> None:
        """Disconnect."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close(timeout_ms=_ms(1))

    def _partitions(self, reader: Any) -> list[Any]:
        found = reader.partitions_for_topic(self._topic) or ()
        return [TopicPartition(self._topic, partition) for partition in sorted(found)]

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        try:
            if self._reader is None:
                _probe(self._bootstrap)
                self._reader = KafkaConsumer(
                    bootstrap_servers=self._bootstrap.split(","),
                    client_id="lgsp-ends",
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    max_partition_fetch_bytes=_BYTES,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                    **connect_options(_ANSWER_WITHIN),
                )
            yield self._reader
        except (KafkaError, OSError) as error:
            self.close()
            raise RetryableError(
                f"no broker answers at {self._bootstrap}: {type(error).__name__}: {error}"
            ) from error


def _probe(bootstrap: str) -> None:
    """Raise OSError when none of the brokers accepts a connection.

    The client would try for seconds, and leave each refused socket to the garbage collector.
    """
    servers = bootstrap.split(",")
    for number, server in enumerate(servers, 1):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _PROBE_WITHIN).close()
        except OSError:
            if number == len(servers):
                raise
        else:
            return


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
