"""The cached partitioner chooses as the client's own does, which is as Java's does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import DefaultPartitioner

from lgsp.runtime.kafka.client import _CachedPartitioner


class Cluster:
    def __init__(self, count: int) -> None:
        self.count = count

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(self.count))

    available_partitions_for_topic = partitions_for_topic


cached = _CachedPartitioner()


@given(st.binary(max_size=60), st.integers(1, 64))
def test_equals_the_default(key: bytes, count: int) -> None:
    words: tuple[Any, ...] = ("t", None, key, None, None, Cluster(count))
    assert DefaultPartitioner().partition(*words) == cached.partition(*words)
    assert DefaultPartitioner().partition(*words) == cached.partition(*words)
