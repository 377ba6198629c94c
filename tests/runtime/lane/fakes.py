"""A lane's handler and consumer that keep what they were told."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.records import FakeRecord

from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.lane.handler import FencedError

TOPIC = "dossier-events"
GENERATION = 3


def records(*offsets: int) -> list[Any]:
    return [FakeRecord(offset) for offset in offsets]


class FakeHandler:
    """Keeps positions and what was applied."""

    def __init__(self, positions: dict[int, int], fence: frozenset[int] = frozenset()) -> None:
        self.positions = positions
        self.stored = dict(positions)
        self.fence = fence
        self.applied: list[tuple[int, list[int]]] = []

    def open_partition(self, partition: int) -> int:
        self.positions[partition] = self.stored.setdefault(partition, 0)
        return self.positions[partition]

    def close_partition(self, partition: int) -> None:
        self.positions.pop(partition, None)

    def position(self, partition: int) -> int | None:
        return self.positions.get(partition)

    async def apply(self, batches: Sequence[Batch]) -> None:
        if lost := self.fence & {batch.partition for batch in batches}:
            raise FencedError(lost)
        for batch in batches:
            self.applied.append((batch.partition, [record.offset for record in batch.records]))
            self.positions[batch.partition] = batch.next_offset


class FakeConsumer:
    """What the lane and its watch ask of a consumer; the log ends where `log_ends` says."""

    generation = GENERATION

    def __init__(self, log_ends: Mapping[int, int] | None = None, earliest: int = 0) -> None:
        self.log_ends = dict(log_ends or {})
        self.earliest = earliest
        self.seeks: list[tuple[int, int]] = []
        self.acknowledged: list[tuple[int, int, int]] = []
        self.resumed: list[int] = []

    def assignment(self) -> frozenset[int]:
        return frozenset(self.log_ends)

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        return {partition: self.log_ends[partition] for partition in partitions}

    async def earliest_offset(self, _partition: int) -> int:
        return self.earliest

    async def seek(self, partition: int, offset: int) -> None:
        self.seeks.append((partition, offset))

    def resume(self, partition: int) -> None:
        self.resumed.append(partition)

    def acknowledge(self, generation: int, partition: int, next_offset: int) -> None:
        self.acknowledged.append((generation, partition, next_offset))
