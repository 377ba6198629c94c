"""Records of the log as a lane hands them on."""

from dataclasses import dataclass


@dataclass
class FakeRecord:
    """One record; without a value it is a tombstone."""

    offset: int
    value: bytes | None = None
    key: bytes | None = None
    timestamp: int = 0
