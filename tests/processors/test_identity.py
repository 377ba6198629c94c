"""Real workers whose log is made anew under them, and a second store in their group."""

import random
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.domain.event import DossierEvent
from lgsp.domain.reasons import LOG_BROKEN, Reason
from lgsp.ioc.log_side import LogSide
from lgsp.ioc.store_check import StoreCheck
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.client import end_offsets, make_producer
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.identity import STORE
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.fold import LANE
from tests.ports import free_port_pair
from tests.processors.workers import Worker
from tests.store.rates.history import history
from tests.waiting import wait_until

EVENTS = history(random.Random(3), dossiers=40)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker of these tests' own: the last one deletes its topic."""
    data = tmp_path_factory.mktemp("broker")
    settings = Settings(data=data, broker_port=free_port_pair(), partitions=2)
    with EmbeddedBroker(settings):
        apply_topics(settings)
        yield settings


def produce(settings: Settings, events: Sequence[DossierEvent] = EVENTS) -> None:
    producer = make_producer(settings.bootstrap)
    for event in events:
        producer.send(DOSSIER_EVENTS, event.dossier_code.encode(), encode_event(event))
    producer.flush()
    producer.close()


class Load:
    """Produces the events a few at a time until it is told to stop (a context manager)."""

    def __init__(self, settings: Settings, events: Sequence[DossierEvent]) -> None:
        self._settings, self._events = settings, events
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
        producer = make_producer(self._settings.bootstrap)
        while not self._stop.wait(0.1) and self.sent < len(self._events):
            for event in self._events[self.sent : self.sent + 10]:
                producer.send(DOSSIER_EVENTS, event.dossier_code.encode(), encode_event(event))
            producer.flush()
            self.sent = min(self.sent + 10, len(self._events))
        producer.close()


def run(*words: str, code: int = 0) -> Any:
    """Run a command in this process; give its document."""
    done = CliRunner().invoke(build(), [*words, "--json"])
    assert done.exit_code == code, done.output
    return orjson.loads(done.stdout)


def _is_looking() -> bool:
    return any(thread.name == "log-side" for thread in threading.enumerate())


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_copy_by_hand_is_refused_and_a_backup_comes_back_and_catches_up(
    own_broker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, log = tmp_path / "data", tmp_path / "worker.log"
    live, backup = data / "rates.db", tmp_path / "backup"
    environment = {"LGSP_BROKER": own_broker.bootstrap, "LGSP_DATA": str(data)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    worker = Worker("rates", environment, log)
    events = history(random.Random(6), dossiers=4000)
    try:
        with Load(own_broker, events) as load:
            worker.start()
            wait_until("it counts", lambda: worker.metric("lgsp_lane_events_total") > 50)
            run("backup", "--to", str(backup))
            taken = worker.metric("lgsp_lane_events_total")
            store = open_store(f"sqlite:///{live}", read_only=True)
            feed = LogSide(own_broker.bootstrap, store, [StoreCheck(store)])
            feed.start()
            wait_until("it goes on", lambda: worker.metric("lgsp_lane_events_total") > taken)
            wait_until(
                "its watch has looked since", lambda: mark(live) > mark(backup / "rates.db")
            )
            message = run("restore", "--from", str(backup), code=2)["error"]["message"]
            assert "is in use" in message

            shutil.copyfile(backup / "rates.db", live)
            assert worker.process is not None
            assert worker.process.wait(60) == 1
            # Whichever is met first: what the watch sees, or what SQLite itself finds.
            said = log.read_text()
            assert "set back while it was in use" in said or "is broken" in said
            wait_until("the feed says so", lambda: broken(feed) == {Reason.STORE_SET_BACK})
            worker.start()
            assert worker.process.wait(60) == 2
            assert "lgsp restore --from FOLDER" in log.read_text()
            feed.close()
            wait_until("its last look is over", lambda: not _is_looking())
            store.dispose()

            done = run("restore", "--from", str(backup))
            assert done["stores"] == ["rates.db"]
            assert done["to_count"] > 0
            worker.start()
            wait_until("it counts again", lambda: worker.metric("lgsp_lane_events_total") > 0)
        produced = sum(end_offsets(own_broker.bootstrap, DOSSIER_EVENTS).values())
        wait_until("all is counted", lambda: counted(live) == produced == load.sent)
        assert worker.terminate() == 0
    finally:
        worker.kill()
    again = run("rebuild", "--into", f"sqlite:///{tmp_path}/again.db")
    assert (again["equal"], again["events"]) == (True, produced)


def broken(feed: LogSide) -> set[Reason]:
    return {f.reason for f in feed().findings} & {*LOG_BROKEN, Reason.STORE_SET_BACK}


def mark(file: Path) -> int:
    store = open_store(f"sqlite:///{file}", read_only=True)
    with store.connect() as connection:
        found: int = connection.execute(select(STORE.c.mark)).scalar_one()
    store.dispose()
    return found


def counted(file: Path) -> int:
    store = open_store(f"sqlite:///{file}", read_only=True)
    with store.connect() as connection:
        found = sum(stored_offsets(connection, LANE, DOSSIER_EVENTS).values())
    store.dispose()
    return found


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
        wait_until("it counts", lambda: first.metric("lgsp_lane_events_total") >= len(EVENTS))
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
            lambda: broken(feed) == {Reason.LOG_IS_ANOTHER},
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
