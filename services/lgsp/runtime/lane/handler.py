"""What a processor gives its lane to call; the lane itself is runtime/lane/flow.py."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from lgsp.runtime.kafka.records import Batch


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
