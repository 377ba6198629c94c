"""Hands over aiokafka's records as its compiled decoder makes them.

For each record aiokafka builds a Python object of twelve fields, which costs more than fetching
and decoding it. The decoder's own record has all we look at (runtime/kafka/records.py).
"""

from typing import Any

from aiokafka.consumer.fetcher import PartitionRecords

_wrap = PartitionRecords._consumer_record
_bare: set[str] = set()


def hand_over_bare(topic: str) -> None:
    """Let every aiokafka consumer of this process give the topic's records bare."""
    _bare.add(topic)
    PartitionRecords._consumer_record = _consumer_record


def _consumer_record(self: Any, tp: Any, record: Any) -> Any:
    return record if tp.topic in _bare else _wrap(self, tp, record)
