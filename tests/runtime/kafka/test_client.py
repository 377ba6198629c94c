import random

import pytest
from tests.conftest import MakeTopic
from tests.ports import free_port_pair

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.kafka.client import (
    begin_offsets,
    end_offsets,
    latest_by_key,
    make_producer,
    read_topic,
)
from lgsp.runtime.kafka.cluster import wait_ready

pytestmark = pytest.mark.kafka


def test_flushed_records_are_read_back_in_order(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=3)
    producer = make_producer(broker)
    for n in range(1000):
        producer.send(topic, b"key-%d" % (n % 7), b"%d" % n)
    producer.flush()

    records = list(read_topic(broker, topic))
    by_key: dict[bytes | None, list[int]] = {}
    for record in records:
        assert record.value is not None
        by_key.setdefault(record.key, []).append(int(record.value))

    assert {b"key-%d" % k: list(range(k, 1000, 7)) for k in range(7)} == by_key
    assert sum(end_offsets(broker, topic).values()) == 1000
    assert begin_offsets(broker, topic) == {0: 0, 1: 0, 2: 0}
    producer.close()


def test_keys_choose_the_partition_that_java_chooses(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=8)
    producer = make_producer(broker)
    keys = [b"000.00.12.H37-240102-0001", b"H37.12-240102-0001", b"a", b""]
    for key in keys:
        producer.send(topic, key, b"x")
    producer.flush()

    found = {r.key: r.partition for r in read_topic(broker, topic)}

    # org.apache.kafka.common.utils.Utils: toPositive(murmur2(key)) % 8, by Java 17
    assert found == dict(zip(keys, JAVA_PARTITIONS, strict=True))
    producer.close()


JAVA_PARTITIONS = [7, 3, 4, 1]


def test_reading_starts_where_asked(broker: str, make_topic: MakeTopic) -> None:
    topic = make_topic()
    producer = make_producer(broker)
    for n in range(10):
        producer.send(topic, b"k", b"%d" % n, partition=0)
    producer.flush()

    assert [7, 8, 9] == [r.offset for r in read_topic(broker, topic, {0: 7})]
    assert [] == list(read_topic(broker, topic, {0: 10}))
    producer.close()


def test_the_newest_value_of_a_key_counts_and_deleted_keys_do_not(
    broker: str, make_topic: MakeTopic
) -> None:
    topic = make_topic(cleanup_policy="compact")
    producer = make_producer(broker)
    producer.send(topic, b"a", b"1")
    producer.send(topic, b"b", b"1")
    producer.send(topic, b"a", b"2")
    producer.send(topic, b"b", None)
    producer.flush()

    assert {b"a": b"2"} == latest_by_key(broker, topic)
    producer.close()


def test_a_topic_that_does_not_exist_is_empty_and_stays_so(broker: str) -> None:
    assert {} == end_offsets(broker, "no-such-topic")
    assert [] == list(read_topic(broker, "no-such-topic"))
    assert {} == end_offsets(broker, "no-such-topic")


def test_flush_tells_of_a_record_that_can_never_be_sent_and_the_next_producer_works(
    broker: str, make_topic: MakeTopic
) -> None:
    topic = make_topic(max_message_bytes="1000")
    producer = make_producer(broker)
    producer.send(topic, b"k", random.Random(1).randbytes(5000))

    with pytest.raises(FatalError, match="1 of 1 records not acknowledged"):
        producer.flush()
    producer.close()

    producer = make_producer(broker)
    producer.send(topic, b"k", b"small")
    producer.flush()
    assert [b"small"] == [r.value for r in read_topic(broker, topic)]
    producer.close()


def test_says_who_does_not_answer() -> None:
    address = f"127.0.0.1:{free_port_pair()}"

    with pytest.raises(RetryableError, match=address):
        wait_ready(address, 0.2)
