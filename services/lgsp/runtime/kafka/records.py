"""Records of the log as far as we look at them, whichever client has read them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lgsp.domain.errors import RejectedRecord


class LogRecord(Protocol):
    """What is handed on of a Kafka record."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """The dossier code."""
        ...

    @property
    def value(self) -> bytes | None:
        """The framed event."""
        ...

    @property
    def timestamp(self) -> int:
        """Time of the record in ms UTC."""
        ...


class Batch(NamedTuple):
    """Records of one partition in offset order."""

    partition: int
    records: Sequence[LogRecord]

    @property
    def next_offset(self) -> int:
        """Offset to store once the batch is durable."""
        return self.records[-1].offset + 1


class Reject(NamedTuple):
    """A record of the log that cannot be used, with its cause."""

    partition: int
    record: LogRecord
    cause: RejectedRecord
