"""Lets aiokafka give its compiled decoder's records as they are.

For each record aiokafka builds a Python object of twelve fields, which costs more than fetching
and decoding it. The decoder's own record has all we look at (runtime/kafka/records.py).
"""

from typing import Any

from aiokafka.consumer.fetcher import PartitionRecords

_wrap = PartitionRecords._consumer_record
_raw_topics: set[str] = set()


def use_raw_records(topic: str) -> None:
    """Make every aiokafka consumer of this process give the topic's records unwrapped."""
    _raw_topics.add(topic)
    PartitionRecords._consumer_record = _consumer_record


def _consumer_record(self: Any, tp: Any, record: Any) -> Any:
    return record if tp.topic in _raw_topics else _wrap(self, tp, record)
