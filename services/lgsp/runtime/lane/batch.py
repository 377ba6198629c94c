"""What a processor gets from its lane and gives to it; the lane itself is runtime/lane/flow.py."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from lgsp.runtime.lane.record import Record


class Batch(NamedTuple):
    """Records of one partition in offset order; the first one is the handler's next offset."""

    partition: int
    records: Sequence[Record]

    @property
    def next_offset(self) -> int:
        """Offset to store once the batch is durable."""
        return self.records[-1].offset + 1


class FencedError(Exception):
    """Another worker has moved these partitions' stored positions; nothing was written."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self.partitions = frozenset(partitions)
        super().__init__(f"partitions {sorted(self.partitions)} belong to another worker")


class LaneHandler(Protocol):
    """What a processor gives the lane. Called on the worker's loop, never concurrently."""

    def open_partition(self, partition: int) -> int:
        """Load what is stored of the partition (anew if held); return the next offset to read."""

    def close_partition(self, partition: int) -> None:
        """Forget the partition; called for partitions that are not held, too."""

    def position(self, partition: int) -> int | None:
        """Return the next offset to read, None when the partition is not held."""

    async def apply(self, batches: Sequence[Batch]) -> None:
        """Make the batches durable with their next offsets, all or none.

        Raises:
            FencedError: some partitions are another worker's; nothing was written.
        """
