"""Real workers whose log is made anew under them, and a second store in their group."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lgsp.domain.reasons import Reason
from lgsp.ioc.log_side import LogSide
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from tests.ports import free_port_pair
from tests.processors.workers import Worker
from tests.store.rates.history import history
from tests.waiting import wait_until

EVENTS = history(random.Random(3), dossiers=40)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Settings]:
    """A broker of this test's own: its topic is deleted."""
    settings = Settings(data=tmp_path / "data", broker_port=free_port_pair(), partitions=2)
    with EmbeddedBroker(settings):
        apply_topics(settings)
        yield settings


def produce(settings: Settings) -> None:
    producer = make_producer(settings.bootstrap)
    for event in EVENTS:
        producer.send(DOSSIER_EVENTS, event.dossier_code.encode(), encode_event(event))
    producer.flush()
    producer.close()


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_second_store_and_a_log_made_anew_are_refused_under_running_workers(
    own_broker: Settings, tmp_path: Path
) -> None:
    settings = own_broker
    logs = {name: tmp_path / f"{name}.log" for name in ("first", "second")}
    first, second = (
        Worker(
            "rates",
            {
                "LGSP_BROKER": settings.bootstrap,
                "LGSP_STORE": f"sqlite:///{tmp_path}/{name}.db",
                "LGSP_DATA": str(tmp_path / "data"),
                "LGSP_LOG_FORMAT": "json",
            },
            log,
        )
        for name, log in logs.items()
    )
    produce(settings)
    try:
        first.start()
        wait_until("it counts", lambda: first.metric("lgsp_lane_events_total") == len(EVENTS))
        second.start()
        assert second.process is not None
        assert second.process.wait(60) == 2
        assert "each would count a part of the log" in logs["second"].read_text()
        assert first.partitions == 2  # it never joined

        store = open_store(f"sqlite:///{tmp_path}/first.db", read_only=True)
        feed = LogSide(settings.bootstrap, store)
        feed.start()
        wait_until("the feed knows the backlog", lambda: feed().backlog == 0)
        with open_admin(settings.bootstrap) as admin:
            admin.delete_topics([DOSSIER_EVENTS])
            wait_until("it is gone", lambda: DOSSIER_EVENTS not in admin.list_topics())
        apply_topics(settings)
        produce(settings)

        assert first.process is not None
        assert first.process.wait(60) == 1
        wait_until(
            "the feed says so",
            lambda: Reason.LOG_IS_ANOTHER in {f.reason for f in feed().findings},
        )
        assert feed().backlog is None
        feed.close()
        store.dispose()
        first.start()
        assert first.process.wait(60) == 2
        assert logs["first"].read_text().count("it is another log") >= 2
    finally:
        first.kill()
        second.kill()
