"""The gate: two workers share the work under load and are treated as badly as machines treat them.

Join, SIGSTOP past the session time-out and back (a zombie), kill -9, rejoin, SIGTERM, rejoin:
nothing missing, nothing twice, and the figures are those of the events.
"""

import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.client import end_offsets, latest_by_key, make_producer
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS, RATE_CELLS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.digest import digest
from lgsp.store.rates.fold import LANE
from tests.ports import free_port_pair
from tests.processors.workers import Worker
from tests.store.conftest import postgres_url, store_url  # noqa: F401 - fixtures
from tests.store.rates.history import history
from tests.store.rates.test_fold import expected_cells, feed, make, stored_cells
from tests.waiting import wait_until

PARTITIONS = 8
EVENTS_A_SECOND = 400


@cache
def events_to_send() -> list[DossierEvent]:
    """Make what lasts, at that pace, for as long as a test may take."""
    return history(random.Random(11), dossiers=30_000)


@dataclass
class Load:
    """A producer thread that runs until told to stop; `sent` is what Kafka acknowledged."""

    bootstrap: str

    def __post_init__(self) -> None:
        self.events = events_to_send()
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        producer = make_producer(self.bootstrap)
        step = EVENTS_A_SECOND // 10
        while not self._stop.wait(0.1) and self.sent < len(self.events):
            for event in self.events[self.sent : self.sent + step]:
                producer.send(DOSSIER_EVENTS, event.dossier_code.encode(), encode_event(event))
            producer.flush()
            self.sent = min(self.sent + step, len(self.events))
        producer.close()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Settings]:
    """A broker of this test's own, so that its topics start empty."""
    from lgsp.runtime.broker.embedded import EmbeddedBroker

    settings = Settings(
        data=tmp_path / "data", broker_port=free_port_pair(), partitions=PARTITIONS
    )
    with EmbeddedBroker(settings):
        apply_topics(settings)
        yield settings


def caught_up(engine: Engine, settings: Settings) -> bool:
    with engine.connect() as connection:
        stored = stored_offsets(connection, LANE, DOSSIER_EVENTS)
    return stored == {
        p: o for p, o in end_offsets(settings.bootstrap, DOSSIER_EVENTS).items() if o
    }


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_nothing_missing_and_nothing_twice_whatever_happens_to_the_workers(
    own_broker: Settings,
    store_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    settings = own_broker
    environment = {
        "LGSP_BROKER": settings.bootstrap,
        "LGSP_STORE": store_url,
        "LGSP_DATA": str(tmp_path / "data"),
        "LGSP_SESSION_TIMEOUT": "3",
        "LGSP_LOG_FORMAT": "json",
    }
    one, two = (Worker("rates", environment, tmp_path / f"{n}.log") for n in ("one", "two"))
    engine = open_store(store_url)
    try:
        with Load(settings.bootstrap) as load:
            one.start()
            wait_until("one reads everything", lambda: one.partitions == PARTITIONS)
            two.start()
            wait_until("they share", lambda: 0 < two.partitions < PARTITIONS)
            wait_until("two counts", lambda: two.metric("lgsp_lane_events_total") > 0)

            one.stop_outside_transaction(store_url)
            wait_until("two takes over", lambda: two.partitions == PARTITIONS)
            one.send(signal.SIGCONT)
            wait_until("the zombie is back", lambda: 0 < one.partitions < PARTITIONS)

            two.kill()
            wait_until("one takes over", lambda: one.partitions == PARTITIONS)
            two.start()
            wait_until("two is back", lambda: 0 < two.partitions < PARTITIONS)

            assert one.terminate() == 0
            wait_until("two reads everything", lambda: two.partitions == PARTITIONS)
            one.start()
            wait_until("both again", lambda: 0 < one.partitions < PARTITIONS)
        wait_until("all is counted", lambda: caught_up(engine, settings))
        wait_until("cells published", lambda: published(engine, settings), 90)
    finally:
        one.kill()
        two.kill()

    produced = load.events[: load.sent]
    assert len(produced) > 5 * EVENTS_A_SECOND
    assert sum(end_offsets(settings.bootstrap, DOSSIER_EVENTS).values()) == len(produced)
    without_time = {k: v for k, v in stored_cells(engine).items() if k[-1] != "open_overdue"}
    expected = {k: v for k, v in expected_cells(produced).items() if k[-1] != "open_overdue"}
    assert without_time == expected
    direct = open_store(f"sqlite:///{tmp_path / 'direct.db'}")
    feed(make(direct)[0], produced, random.Random(1))
    assert digest(engine, SIMPLE.measures) == digest(direct, SIMPLE.measures)
    engine.dispose()
    direct.dispose()


def published(engine: Engine, settings: Settings) -> bool:
    from sqlalchemy import func, select

    from lgsp.store.rates.cells import day_cells

    table = day_cells(SIMPLE.measures).table

    with engine.connect() as connection:
        pending = connection.execute(select(func.count()).where(table.c.dirty > 0)).scalar_one()
        cells = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return pending == 0 and cells == len(latest_by_key(settings.bootstrap, RATE_CELLS))
