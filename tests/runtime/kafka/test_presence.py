"""Whether the broker answers: one line a change, known whatever the process does."""

import socket
import threading
import time
import uuid

import pytest
from structlog.testing import capture_logs
from tests.conftest import MakeTopic
from tests.waiting import wait_until

from lgsp.domain.errors import RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.ends import EndReader
from lgsp.runtime.kafka.presence import Presence, wait_for_broker, watched_broker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def shown() -> float:
    (family,) = metrics.BROKER_UP.collect()
    return family.samples[0].value


def test_each_change_is_one_line() -> None:
    clock = Clock()
    presence = Presence(clock)
    with capture_logs() as lines:
        for reason in ("", "gone", "gone", "still gone", "", "", "gone"):
            clock.now += 10
            if reason:
                presence.silent(reason)
            else:
                presence.answered()
    assert [(each["event"], each.get("reason", each.get("seconds"))) for each in lines] == [
        ("broker_away", "gone"),
        ("broker_back", 30),
        ("broker_away", "gone"),
    ]


def test_the_gauge_falls_half_a_minute_after_the_last_answer() -> None:
    clock = Clock()
    presence = Presence(clock)
    presence.answered()
    clock.now += 29
    presence.silent("gone")
    assert shown() == 1
    clock.now += 1
    assert shown() == 0
    presence.answered()
    assert shown() == 1


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"127.0.0.1:{closed.getsockname()[1]}"


def test_waiting_for_a_broker_says_so_once_and_hears_the_order_to_stop() -> None:
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with capture_logs() as lines:
        wait_for_broker(nowhere(), stopping)
    assert [line["event"] for line in lines] == ["broker_away"]


def test_a_look_that_fails_is_told_and_the_thread_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgsp.runtime.kafka.presence._EVERY", 0.01)
    monkeypatch.setattr("lgsp.runtime.kafka.presence._WHILE_AWAY", 0.01)
    away = True
    threads = set()

    def look(_reader: EndReader) -> None:
        threads.add(threading.current_thread().name)
        if away:
            raise RetryableError("gone")

    with watched_broker(nowhere(), look) as presence:
        wait_until("it is away", lambda: presence.away)
        away = False
        wait_until("it is back", lambda: not presence.away)
    assert threads == {"broker watch"}


@pytest.mark.kafka
def test_ends_and_the_times_of_records_come_over_one_connection(
    broker: str, make_topic: MakeTopic
) -> None:
    topic = make_topic(partitions=3)
    reader = EndReader(broker, topic)
    assert reader.ends() == {0: 0, 1: 0, 2: 0}
    producer = make_producer(broker)
    began = now_ms()
    for partition, count in ((0, 3), (2, 500)):
        for _ in range(count):
            producer.send(topic, uuid.uuid4().bytes, b"x" * 1000, partition=partition)
        producer.flush()
    producer.close()
    try:
        assert reader.ends() == {0: 3, 1: 0, 2: 500}
        times = reader.times({0: 2, 2: 499})
        assert set(times) == {0, 2}
        assert all(began <= at <= now_ms() for at in times.values())
        assert set(reader.times({0: 0})) == {0}
    finally:
        reader.close()


@pytest.mark.kafka
def test_a_broker_that_accepts_and_says_nothing_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lgsp.runtime.kafka.ends._ANSWER_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = EndReader(f"127.0.0.1:{silent.getsockname()[1]}", "any")
        began = time.monotonic()
        with pytest.raises(RetryableError, match="no broker answers"):
            reader.ends()
        assert time.monotonic() - began < 30
