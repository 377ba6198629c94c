import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from kafka import TopicPartition
from tests.conftest import MakeTopic
from tests.ports import free_port_pair

from lgsp.domain.errors import RetryableError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import end_offsets, read_topic
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import load_settings

pytestmark = pytest.mark.kafka


def produce(broker: str, topic: str, count: int) -> None:
    async def send() -> None:
        async with BulkProducer(broker, topic) as producer:
            for n in range(count):
                producer.add(b"key-%d" % (n % 97), b"%d" % n)
            await producer.flush()

    asyncio.run(send())


def read(broker: str, topic: str, ends: Mapping[int, int], at_once: int) -> list[Batch]:
    async def collect() -> list[Batch]:
        return [batch async for batch in read_batches(broker, topic, ends, at_once)]

    return asyncio.run(collect())


def test_reads_what_the_general_reader_reads_in_whole_lists(
    broker: str, make_topic: MakeTopic
) -> None:
    topic = make_topic(partitions=3)
    produce(broker, topic, 5000)
    ends = end_offsets(broker, topic)

    batches = read(broker, topic, ends, 700)

    by_place = {(r.partition, r.offset): (r.key, r.value) for r in read_topic(broker, topic)}
    assert by_place == {
        (b.partition, r.offset): (r.key, r.value) for b in batches for r in b.records
    }
    for partition, end in ends.items():
        its = [batch for batch in batches if batch.partition == partition]
        assert list(range(end)) == [r.offset for batch in its for r in batch.records]
        assert {700} >= {len(batch.records) for batch in its[:-1]}


def test_stops_before_the_end_asked_for(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic()
    produce(broker, topic, 100)

    assert [60] == [len(batch.records) for batch in read(broker, topic, {0: 60}, 1000)]
    assert [] == read(broker, topic, {0: 0}, 1000)
    assert [] == read(broker, topic, {}, 1000)


def test_passes_over_records_that_are_no_longer_kept(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic()
    produce(broker, topic, 100)
    with open_admin(broker) as admin:
        admin.delete_records(_until(topic, 40))

    (batch,) = read(broker, topic, {0: 100}, 1000)
    assert list(range(40, 100)) == [record.offset for record in batch.records]

    with open_admin(broker) as admin:
        admin.delete_records(_until(topic, 100))
    assert [] == read(broker, topic, {0: 100}, 1000)


def _until(topic: str, offset: int) -> dict[TopicPartition, int]:
    return {TopicPartition(topic, 0): offset}


def test_says_that_the_broker_went_away(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, broker="", broker_port=free_port_pair(), partitions=2)

    async def read_on(bootstrap: str, running: EmbeddedBroker, ends: Mapping[int, int]) -> None:
        async for _ in read_batches(bootstrap, DOSSIER_EVENTS, ends, 10, patience=1):
            running.stop()

    with EmbeddedBroker(settings) as running:
        apply_topics(settings)
        produce(running.bootstrap, DOSSIER_EVENTS, 100)
        ends = end_offsets(running.bootstrap, DOSSIER_EVENTS)
        with pytest.raises(RetryableError, match="gave nothing for 1 s"):
            asyncio.run(read_on(running.bootstrap, running, ends))
        with pytest.raises(RetryableError, match=running.bootstrap):
            asyncio.run(read_on(running.bootstrap, running, ends))
