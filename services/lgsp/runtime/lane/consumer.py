"""What the lane, its watch and its worker ask of their consumer; runtime/lane/faust.py is it.

Partitions are those of the lane's topic, as numbers. Everything is called on the worker's loop, by
batch or more seldom, never by record.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol


class LaneConsumer(Protocol):
    """A member of a Kafka group that reads one topic."""

    @property
    def generation(self) -> int:
        """Number of the group's assignment; another one after every rebalance."""
        ...

    def assignment(self) -> frozenset[int]:
        """Return the partitions that the group has given us; none before it has."""
        ...

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Ask the broker for the offset that each partition's next record will get.

        Takes as long as the broker does, for ever when it hangs.

        Raises:
            RetryableError: not to be had now: a rebalance, or the broker is away.
        """
        ...

    async def earliest_offset(self, partition: int) -> int:
        """Ask the broker for the first offset that it still keeps.

        Raises:
            RetryableError: not to be had now.
        """
        ...

    async def seek(self, partition: int, offset: int) -> None:
        """Fetch the partition from `offset` next; nothing happens when it is not ours any more."""
        ...

    def resume(self, partition: int) -> None:
        """Fetch the partition again that something has paused."""
        ...

    def acknowledge(self, generation: int, partition: int, next_offset: int) -> None:
        """Report to Kafka, soon, that all before `next_offset` is durable.

        A report for tools. Nothing is reported when `generation` is not the current one any more:
        the partition may be another worker's now.
        """
        ...


class GroupConsumer(LaneConsumer, Protocol):
    """A consumer with its life: it joins the group and leaves it."""

    async def run(self) -> None:
        """Join the group and feed the lane until `stop`.

        Raises:
            FatalError: the consumer has failed.
        """
        ...

    async def stop(self) -> None:
        """Report what is durable and leave the group; once. May take long, or for ever."""
        ...
