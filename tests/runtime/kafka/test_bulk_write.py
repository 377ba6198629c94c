"""The bulk producer against a real broker."""

import random
from collections.abc import Callable

import pytest

from lgsp.domain.errors import FatalError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka import bulk_write
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import make_producer, read_topic

pytestmark = pytest.mark.kafka

MakeTopic = Callable[..., str]


async def test_keeps_order_and_chooses_partitions_as_the_other_producer(
    broker: str, make_topic: MakeTopic
) -> None:
    topic, other = make_topic(partitions=8), make_topic(partitions=8)
    keys = [f"H37.12-240705-{n % 50:04d}".encode() for n in range(3000)]
    async with BulkProducer(broker, topic) as bulk:
        for half in (range(1500), range(1500, 3000)):
            for n in half:
                bulk.add(keys[n], b"%d" % n * 100)
            await bulk.flush()
    producer = make_producer(broker)
    for key in set(keys):
        producer.send(other, key, b"")
    producer.flush()
    producer.close()

    expected = {r.key: r.partition for r in read_topic(broker, other)}
    found: dict[bytes | None, list[bytes | None]] = {}
    for record in read_topic(broker, topic):
        assert expected[record.key] == record.partition
        found.setdefault(record.key, []).append(record.value)
    assert found == {
        key: [b"%d" % n * 100 for n in range(3000) if keys[n] == key] for key in set(keys)
    }


async def test_what_is_not_flushed_is_not_sent(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic()
    async with BulkProducer(broker, topic) as bulk:
        bulk.add(b"k", b"v")
    assert [] == list(read_topic(broker, topic))


async def test_a_record_carries_the_time_at_which_it_was_taken(
    broker: str, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of the last flush: a connector may have had nothing to send for days."""
    topic, now = make_topic(), now_ms()
    monkeypatch.setattr(bulk_write, "now_ms", lambda: now - 172_800_000)
    async with BulkProducer(broker, topic) as bulk:
        for taken in (now - 86_400_000, now):
            monkeypatch.setattr(bulk_write, "now_ms", lambda at=taken: at)
            bulk.add(b"k", b"v")
            await bulk.flush()

    assert [now - 86_400_000, now] == [r.timestamp for r in read_topic(broker, topic)]


async def test_flush_tells_of_a_refused_record(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic(max_message_bytes="1000")
    async with BulkProducer(broker, topic) as bulk:
        bulk.add(b"k", random.Random(1).randbytes(5000))
        with pytest.raises(FatalError, match="not acknowledged"):
            await bulk.flush()


async def test_a_missing_topic_is_told_at_once(broker: str) -> None:
    with pytest.raises(FatalError, match="lgsp topics apply"):
        async with BulkProducer(broker, "no-such-topic"):
            pass
