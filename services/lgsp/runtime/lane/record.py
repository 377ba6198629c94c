"""A record of the log as far as we look at it, whichever client has read it."""

from typing import NamedTuple, Protocol

from lgsp.domain.errors import RejectedRecord


class Record(Protocol):
    """What the lane hands on of a Kafka record."""

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


class Reject(NamedTuple):
    """A record of the log that cannot be used, with its cause."""

    partition: int
    record: Record
    cause: RejectedRecord
