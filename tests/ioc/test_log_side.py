"""What the log knows and the store does not, as one thread sees it, on a real broker."""

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NoReturn

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs
from tests.conftest import MakeTopic
from tests.ioc.conftest import EVENTS
from tests.store.filled import fill
from tests.store.rates.history import NOW

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.reasons import Finding, Reason
from lgsp.ioc.log_check import LogCheck
from lgsp.ioc.log_side import LogSide, look_once
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.client import EventProducer, make_producer
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.connector_status import encode_status
from lgsp.runtime.kafka.follower import Ends
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.kafka.presence import Presence
from lgsp.runtime.kafka.topics import CHECKPOINTS, CONNECTOR_STATUS
from lgsp.runtime.kafka.written_ends import log_token
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp.runtime.settings import load_settings
from lgsp.runtime.store_away import StoreAway
from lgsp_connectors.kit.sink import Checkpoint, encode_checkpoint

pytestmark = pytest.mark.kafka


@pytest.fixture
def producer(broker: str) -> Iterator[EventProducer]:
    with closing(make_producer(broker)) as made:
        yield made


def produce(producer: EventProducer, topic: str, count: int) -> None:
    for event in EVENTS[:count]:
        producer.send(topic, event.dossier_code.encode(), encode_event(event), 0)
    producer.flush()


def test_what_is_on_the_log_and_not_in_the_store_is_the_backlog(
    broker: str, make_topic: MakeTopic, store: Engine, producer: EventProducer
) -> None:
    topic = make_topic(partitions=1)
    produce(producer, topic, 10)
    with closing(LogSide(broker, store, topic=topic)) as side:
        at_first = side.look().backlog
        fill(store, EVENTS[:7], NOW, topic)
        later = side.look().backlog
        produce(producer, topic, 2)

        assert (at_first, later, side.look().backlog) == (10, 3, 5)


def test_a_log_that_lost_its_end_or_was_made_anew_is_not_level(
    broker: str, make_topic: MakeTopic, store: Engine, producer: EventProducer
) -> None:
    topic = make_topic(partitions=1)
    produce(producer, topic, 10)
    fill(store, EVENTS[:10], NOW, topic)
    with closing(LogSide(broker, store, topic=topic)) as side:
        assert (side.look().backlog, broken(side)) == (0, [])
        with open_admin(broker) as admin:
            admin.delete_topics([topic])
            admin.create_topics({topic: {"num_partitions": 1}})
            admin.wait_for_topics([topic])
        produce(producer, topic, 4)

        assert (side.look().backlog, broken(side)) == (None, [Reason.LOG_IS_SHORTER])


def test_a_log_that_ends_before_what_connectors_wrote_is_shorter_for_whoever_is_level_with_it(
    broker: str, make_topic: MakeTopic, store: Engine, producer: EventProducer
) -> None:
    topic, key = make_topic(partitions=1), f"p-{uuid.uuid4().hex[:8]}".encode()
    produce(producer, topic, 10)
    fill(store, EVENTS[:10], NOW, topic)
    token = log_token(read_log(broker, topic))

    def say(ends: dict[str, int], log: str = token) -> None:
        value = encode_checkpoint(Checkpoint({}, 0, log=log, ends=ends))
        producer.send(CHECKPOINTS, key, value)
        producer.flush()

    with closing(LogSide(broker, store, topic=topic)) as side:
        for ends, log, lacks in (
            ({"0": 10}, token, False),
            ({"0": 12}, token, True),
            ({"0": 12}, "another/1", False),
            ({"0": 12}, token, True),
            ({}, token, False),
        ):
            say(ends, log)
            view = side.look()
            shorter = [Reason.LOG_IS_SHORTER] if lacks else []
            assert (broken(side), view.backlog) == (shorter, None if lacks else 0)
        say({"0": 12})
        (finding,) = [f for f in side.look().findings if f.reason is Reason.LOG_IS_SHORTER]
        assert "partition 0 ends at 10 and was written up to 12" in finding.english()
        producer.send(CHECKPOINTS, key, None)
        producer.flush()


def broken(side: LogSide) -> list[Reason]:
    return [f.reason for f in side().findings if f.reason.value.startswith("log_")]


def test_what_was_deleted_before_it_was_counted_is_a_gap(store: Engine) -> None:
    check = LogCheck("nowhere:1", store, "t")
    gap = check.compare(Ends({0: 0, 1: 6}, {0: 9, 1: 9}), {0: 9, 1: 5})

    assert check.compare(Ends({0: 0, 1: 5}, {0: 9, 1: 9}), {0: 9, 1: 5}) == []
    assert [finding.reason for finding in gap] == [Reason.LOG_HAS_A_GAP]
    assert "partition 1 begins at 6 and is counted up to 5" in gap[0].english()


def test_open_letters_and_the_connectors_words_are_followed(
    broker: str, store: Engine, producer: EventProducer, tmp_path: object
) -> None:
    portal = f"p-{uuid.uuid4().hex[:8]}"
    settings = load_settings(data=tmp_path, broker=broker)
    letters = DeadLetters(settings, producer)
    error = RejectedRecord(RejectReason.BAD_DATE, field="due_at")
    with closing(LogSide(broker, store)) as side:

        def mine() -> list[tuple[Reason, int]]:
            side.look()
            return [(f.reason, f.number) for f in side().findings if f.portal == portal]

        assert mine() == []
        ids = [
            letters.write(Stage.CONNECTOR, error, origin=f"a.csv:{i}", payload=b"", portal=portal)
            for i in range(9)
        ]
        letters.write(Stage.NATIONAL_SYNC, error, origin="x", payload=b"", portal=portal)
        producer.send(CONNECTOR_STATUS, portal.encode(), b"{")
        producer.flush()
        assert mine() == [(Reason.LETTERS_OPEN, 9), (Reason.STATUS_UNREADABLE, 0)]

        now = now_ms()
        status = ConnectorStatus(portal, now, now, {})
        producer.send(CONNECTOR_STATUS, portal.encode(), encode_status(status))
        letters.close(ids[:4])
        letters.flush()
        assert mine() == [(Reason.LETTERS_OPEN, 5)]
        assert portal in {status.portal for status in side().statuses}

        letters.close(ids[4:])
        producer.send(CONNECTOR_STATUS, portal.encode(), None)
        letters.flush()
        assert mine() == []
        assert portal not in {status.portal for status in side().statuses}


def test_the_broker_s_absence_is_said_and_the_store_s_is_not_taken_for_it(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = Presence()
    with closing(LogSide("127.0.0.1:1", store, presence=presence)) as side:
        with monkeypatch.context() as patched, capture_logs() as lines:
            patched.setattr(side._follower, "look", raising(StoreAway("locked")))
            side.look()
            assert (presence.away, [line for line in lines if line["log_level"] != "debug"]) == (
                False,
                [],
            )
        with capture_logs() as lines:
            side.look()
            side.look()
    said = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert (presence.away, said) == (True, ["broker_away"])


def raising(error: Exception) -> Callable[..., NoReturn]:
    def work(*_: object) -> NoReturn:
        raise error

    return work


def test_without_a_broker_nothing_is_known(store: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()[1]

    view = look_once(f"127.0.0.1:{nowhere}", store)

    assert (view.at, view.backlog, view.statuses) == (0, None, ())


def test_a_further_look_that_finds_a_broken_log_makes_the_backlog_unknown(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    found = Finding(Reason.LOG_IS_ANOTHER, detail="topic id")
    with closing(LogSide(broker, store, [lambda: [found]], make_topic())) as side:
        view = side.look()

    assert (view.backlog, found in view.findings) == (None, True)
