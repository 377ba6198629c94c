"""What a way of counting is, whichever of them: all that processor, rebuild and tests use."""

from collections.abc import Sequence
from typing import Protocol

from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.handler import LaneHandler
from lgsp.store.rates.cells import DayCells


class Fold(LaneHandler, Protocol):
    """Counts batches of events into dossiers and day cells, one transaction each."""

    @property
    def cells(self) -> DayCells:
        """The day cells that it counts into."""
        ...

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions held now."""
        ...

    def fold(self, batches: Sequence[Batch]) -> None:
        """Do what `apply` does, for callers without a loop.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        ...

    def wake(self) -> int:
        """Count dossiers whose deadline has passed with no event; return how many were looked at.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        ...

    def wake_early(self) -> int:
        """Count as open in time those that a later clock counted overdue; return how many.

        Raises:
            FencedError: a partition is another worker's; nothing was written.
        """
        ...
