"""Checkpoints on a real log: of any size, in one turn with the file that holds a large one."""

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

import pytest
from tests.conftest import MakeTopic
from tests.waiting import wait_until

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import EventProducer, end_offsets, latest_by_key, make_producer
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.kafka.topics import CHECKPOINTS, DOSSIER_EVENTS
from lgsp_connectors.kit.log.log_sink import LogCheckpoints
from lgsp_connectors.kit.sink import Checkpoint, encode_checkpoint

pytestmark = pytest.mark.kafka

MANY = {f"inbox/{i:06d}.csv": "done:1:" + "9" * 100 for i in range(20_000)}


@pytest.fixture(scope="module")
def producer(broker: str) -> Iterator[EventProducer]:
    made = make_producer(broker)
    yield made
    made.close()


@pytest.fixture
def key() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


@contextmanager
def opened(
    broker: str, producer: EventProducer, data: Path, topic: str = DOSSIER_EVENTS
) -> Iterator[LogCheckpoints]:
    checkpoints = LogCheckpoints(producer, broker, now_ms, data, topic=topic)
    try:
        yield checkpoints
    finally:
        checkpoints.close()


@pytest.mark.parametrize("cursor", [{"a": "1"}, MANY | {"~sent": "x/1"}])
def test_a_cursor_of_any_size_is_given_back(
    broker: str, producer: EventProducer, key: str, tmp_path: Path, cursor: dict[str, str]
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) is None
        checkpoints.store(key, cursor | {"b": "0"})
        checkpoints.store(key, cursor)
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) == cursor
        checkpoints.forget(key)
        assert checkpoints.load(key) is None


def test_a_large_cursor_is_small_on_the_log(
    broker: str, producer: EventProducer, key: str, tmp_path: Path
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        checkpoints.store(key, MANY)
    assert len(latest_by_key(broker, CHECKPOINTS)[key.encode()]) < 200


def test_what_dies_between_file_and_log_is_taken_back(
    broker: str, producer: EventProducer, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        checkpoints.store(key, MANY)
        monkeypatch.setattr(producer, "send", _fail)
        with pytest.raises(FatalError):
            checkpoints.store(key, MANY | {"inbox/000000.csv": "another"})
    monkeypatch.undo()
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) == MANY


def test_a_lost_file_leaves_what_is_the_kits_own(
    broker: str, producer: EventProducer, key: str, tmp_path: Path
) -> None:
    with opened(broker, producer, tmp_path / "a") as checkpoints:
        checkpoints.store(key, MANY | {"~sent": "x/1"})
    shutil.rmtree(tmp_path / "a")
    with opened(broker, producer, tmp_path / "a") as checkpoints:
        assert checkpoints.load(key) == {"~sent": "x/1"}


def _fail(*_: object) -> None:
    raise FatalError("the broker refuses")


def test_a_checkpoint_of_another_log_is_refused_with_the_way_out(
    broker: str,
    producer: EventProducer,
    key: str,
    tmp_path: Path,
    make_topic: MakeTopic,
) -> None:
    topic = make_topic(partitions=2)
    before = read_log(broker, topic)
    with opened(broker, producer, tmp_path, topic) as checkpoints:
        checkpoints.store(key, {"a": "1"})
        remake(broker, topic, partitions=2)
        checkpoints._written._asked = -inf  # its next question is due
        with pytest.raises(FatalError, match="the checkpoint stays where it was"):
            checkpoints.store(key, {"a": "2"})

    with opened(broker, producer, tmp_path, topic) as checkpoints:
        with pytest.raises(ConfigurationError) as refused:
            checkpoints.load(key)
        assert f"id {before.id}" in str(refused.value)
        assert f"id {read_log(broker, topic).id}" in str(refused.value)
        assert "--new-log" in str(refused.value)
    anew = LogCheckpoints(producer, broker, now_ms, tmp_path, new_log=True, topic=topic)
    assert anew.load(key) is None
    anew.store(key, {"a": "3"})
    with opened(broker, producer, tmp_path, topic) as checkpoints:
        assert checkpoints.load(key) == {"a": "3"}


def test_a_log_that_lost_its_end_is_refused_and_all_is_stated_anew_when_told_to(
    broker: str, producer: EventProducer, key: str, tmp_path: Path, make_topic: MakeTopic
) -> None:
    topic = make_topic(partitions=3)

    def taking(ends: dict[int, int], *, new_log: bool = False) -> LogCheckpoints:
        return LogCheckpoints(
            producer, broker, now_ms, tmp_path, new_log=new_log, topic=topic, ends=lambda: ends
        )

    async def write() -> dict[int, int]:
        async with BulkProducer(broker, topic) as bulk:
            for number in range(20):
                bulk.add(b"%d" % number, b"?")
            await bulk.flush()
            return bulk.ends

    written = asyncio.run(write())
    assert written == end_offsets(broker, topic)
    taking(written).store(key, {"a": "1"})
    again = taking({})
    assert again.load(key) == {"a": "1"}
    again.store(key, {"a": "2"})  # nothing was written since: the ends stand
    later = dict(written)
    later[2] += 5
    taking(later).store(key, {"a": "3"})

    said = f"partition 2 ends at {written[2]} and was written up to {later[2]}. .*--new-log"
    with pytest.raises(ConfigurationError, match=said):
        taking({}).load(key)
    anew = taking(written, new_log=True)
    assert anew.load(key) is None
    anew.store(key, {"a": "4"})
    assert taking({}).load(key) == {"a": "4"}


def test_a_checkpoint_of_fewer_partitions_is_refused_whatever_is_asked_for(
    broker: str,
    producer: EventProducer,
    key: str,
    tmp_path: Path,
    make_topic: MakeTopic,
) -> None:
    topic = make_topic(partitions=2)
    with opened(broker, producer, tmp_path, topic) as checkpoints:
        checkpoints.store(key, {"a": "1"})
    with open_admin(broker) as admin:
        admin.create_partitions({topic: 3})
        wait_until("they are known", lambda: read_log(broker, topic).partitions == 3)

    anew = LogCheckpoints(producer, broker, now_ms, tmp_path, new_log=True, topic=topic)
    with pytest.raises(ConfigurationError, match=r"2 partitions\), and .* 3 partitions\)"):
        anew.load(key)


def test_a_checkpoint_of_before_logs_were_noted_is_taken(
    broker: str, producer: EventProducer, key: str, tmp_path: Path
) -> None:
    value = encode_checkpoint(Checkpoint({"a": "1"}, 0))
    producer.send(CHECKPOINTS, key.encode(), value)
    producer.flush()
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) == {"a": "1"}


def remake(broker: str, topic: str, partitions: int) -> None:
    with open_admin(broker) as admin:
        admin.delete_topics([topic])
        wait_until("the topic is gone", lambda: topic not in admin.list_topics())
        admin.create_topics({topic: {"num_partitions": partitions}})
        admin.wait_for_topics([topic])
