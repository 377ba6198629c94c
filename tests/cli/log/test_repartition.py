"""A log of more partitions, made while a connector writes: nothing is lost, nothing is wrong."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics, diff_topics
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.client import end_offsets, read_topic
from lgsp.runtime.kafka.log_identity import LogIdentity, read_log
from lgsp.runtime.kafka.repartition import create, name_after
from lgsp.runtime.kafka.succession import Succession, goes_on_after, successor
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.identity import bind_log
from lgsp.store.offsets import stored_offsets
from lgsp.store.sync.queue import LANE as SYNC
from lgsp.store.sync.queue import SyncQueue
from lgsp.store.sync.tables import QUEUE
from tests.ports import free_port_pair
from tests.processors.workers import Worker
from tests.store.filled import CALENDAR
from tests.store.rates.history import NOW
from tests.waiting import wait_until

BEFORE, AFTER = "dossier-events", "dossier-events-2"
CONFIG = """
connector: files
portal: p-one
province: H37
source: {path: "inbox/*.csv", page_rows: 100}
shape: dossiers
mapping: {dossier_code: Ma, agency: DonVi, received_at: Nhan}
run: {poll_seconds: 0.1, pages_per_second: 50}
"""
OLD = {"LGSP_EVENTS_TOPIC": BEFORE, "LGSP_PARTITIONS": "2"}
NEW = {"LGSP_EVENTS_TOPIC": AFTER, "LGSP_PARTITIONS": "5"}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A broker of this test's own, and the settings of its installation."""
    data = tmp_path / "data"
    settings = Settings(data=data, broker_port=free_port_pair(), partitions=2)
    with EmbeddedBroker(settings):
        apply_topics(settings)
        for name, value in {"BROKER": settings.bootstrap, "DATA": str(data)}.items():
            monkeypatch.setenv(f"LGSP_{name}", value)
        yield settings.model_copy(update={"broker": settings.bootstrap})


class Portal:
    """A folder into which files are put all the time, and its connector (a context manager)."""

    def __init__(self, base: Path) -> None:
        self.config, self.inbox = base / "c.yaml", base / "inbox"
        self.inbox.mkdir()
        self.config.write_text(CONFIG, "utf-8")
        self.rows = 0
        self._log = base / "connector.log"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._put)

    def __enter__(self) -> "Portal":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def connector(self, **environment: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "lgsp_connectors.cli", "run", str(self.config), "--port=0"],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def _put(self) -> None:
        while not self._stop.wait(0.1):
            part = self.inbox / "part"
            lines = [
                f"H37.12-240705-{i:04d},H37.12,2024-07-05T08:15:{i % 60:02d}+07:00\n"
                for i in range(self.rows, self.rows + 5)
            ]
            part.write_text("Ma,DonVi,Nhan\n" + "".join(lines), "utf-8")
            part.rename(self.inbox / f"{self.rows:06d}.csv")
            self.rows += 5


def run(*words: str, environment: dict[str, str], code: int = 0) -> Any:
    done = CliRunner().invoke(build(), [*words, "--json"], env=environment)
    assert done.exit_code == code, done.output
    return orjson.loads(done.stdout)


def total(settings: Settings, topic: str) -> int:
    return sum(end_offsets(settings.bootstrap, topic).values())


def half_synced(settings: Settings) -> tuple[set[str], set[str]]:
    """Fill a sync store from all but the newest events; give the codes that it knows and lacks."""
    engine = open_store(settings.sync_store)
    with engine.begin() as connection:
        bind_log(connection, SYNC, read_log(settings.bootstrap, BEFORE), settings.bootstrap)
    queue = SyncQueue(engine, BEFORE, CALENDAR, lambda: NOW, lambda _: None)
    ends = {p: end - 10 for p, end in end_offsets(settings.bootstrap, BEFORE).items()}

    async def fold() -> None:
        async for batch in read_batches(settings.bootstrap, BEFORE, ends, 1000):
            queue.fold([batch])

    for partition in ends:
        queue.open_partition(partition)
    asyncio.run(fold())
    with engine.begin() as connection:
        connection.execute(update(QUEUE).values(queue_state="clean", acknowledged=b'[1,"a",[]]'))
    known = set(states(engine))
    engine.dispose()
    unread = {r.key.decode() for r in read_topic(settings.bootstrap, BEFORE, ends) if r.key}
    return known, unread


def states(engine: Engine) -> dict[str, tuple[str, bytes | None]]:
    with engine.connect() as connection:
        columns = (QUEUE.c.code, QUEUE.c.queue_state, QUEUE.c.acknowledged)
        return {
            code: (state, known) for code, state, known in connection.execute(select(*columns))
        }


def check_taken_over(settings: Settings, known: set[str], unread: set[str]) -> None:
    sync = open_store(settings.sync_store)
    found = states(sync)
    sync.dispose()
    assert {found[code] for code in known - unread} == {("clean", b'[1,"a",[]]')}
    assert {found[code][0] for code in unread} == {"pending"}


def check_refused(worker: Worker, log: Path) -> None:
    worker.start()
    assert worker.process is not None
    assert worker.process.wait(60) == 2
    assert "LGSP_EVENTS_TOPIC=dossier-events-2" in log.read_text()


def counted(settings: Settings) -> int:
    store = open_store(settings.rates_store, read_only=True)
    with store.connect() as connection:
        found = sum(stored_offsets(connection, "rates", AFTER).values())
    store.dispose()
    return found


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_more_partitions_under_load_lose_nothing_and_the_figures_are_the_same(
    installation: Settings, tmp_path: Path
) -> None:
    settings, log = installation, tmp_path / "worker.log"
    environment = {n: os.environ[n] for n in ("LGSP_BROKER", "LGSP_DATA")}
    before, after = (Worker("rates", environment | e, log) for e in (OLD, NEW))
    with Portal(tmp_path) as portal:
        connector = portal.connector(**OLD)
        try:
            before.start()
            wait_until("it counts", lambda: before.metric("lgsp_lane_events_total") > 60, 150)
            words = ("topics", "repartition", "--partitions", "5")
            refused = run(*words, environment=OLD, code=2)["error"]["message"]
            assert "workers of rates run" in refused
            assert before.terminate() == 0
            known, unread = half_synced(settings)

            done = run(*words, environment=OLD)
            assert done["set"] == NEW
            assert run(*words, environment=OLD) == done | {"records": total(settings, AFTER)}
            said = run("topics", "apply", environment=OLD, code=1)["error"]["message"]
            assert "was ended by `lgsp topics repartition`" in said
            assert connector.wait(120) == 1  # what it reads cannot be written any more
            connector = portal.connector(**OLD)
            assert connector.wait(60) == 2
            assert "LGSP_EVENTS_TOPIC=dossier-events-2" in portal.said
            check_refused(before, log)

            connector = portal.connector(**NEW)
            copied = total(settings, AFTER)
            wait_until("it goes on", lambda: total(settings, AFTER) > copied + 20)
            report = run("upgrade", environment=NEW)
            assert set(report["upgraded"]) == {"rates.db", "sync.db"}
            check_taken_over(settings, known, unread)
            after.start()
            wait_until("it counts", lambda: after.metric("lgsp_lane_events_total") > 0)
        except BaseException:
            for process in (connector, before, after):
                process.kill()
            raise
    try:
        wait_until("all is written", lambda: len(codes(settings)) == portal.rows, 120)
        wait_until("all is counted", lambda: counted(settings) == total(settings, AFTER))
        assert after.terminate() == 0
    finally:
        after.kill()
        connector.kill()
        connector.wait()
    again = run("rebuild", "--into", f"sqlite:///{tmp_path}/again.db", environment=NEW)
    assert (again["equal"], again["dossiers"]) == (True, portal.rows)
    assert [] == diff_topics(settings.model_copy(update={"events_topic": AFTER, "partitions": 5}))


def codes(settings: Settings) -> set[bytes | None]:
    return {record.key for record in read_topic(settings.bootstrap, AFTER)}


@pytest.mark.kafka
def test_an_interrupted_copy_is_deleted_when_that_is_asked_for(broker: str) -> None:
    settings = Settings(broker=broker, events_topic="test-repartition", partitions=2)
    log = topics(settings)[0]
    first = create(broker, log, again=False)
    with pytest.raises(ConfigurationError, match=r"it is not finished.*--again"):
        create(broker, log, again=False)
    second = create(broker, log, again=True)
    assert (second.partitions, second.is_another_than(first)) == (2, True)


def test_names_of_logs_count_up() -> None:
    names = ["dossier-events", "dossier-events-2", "dossier-events-9", "log-x"]
    assert ["dossier-events-2", "dossier-events-3", "dossier-events-10", "log-x-2"] == [
        *map(name_after, names)
    ]


def test_a_log_goes_on_after_all_that_went_before_it() -> None:
    first, second, third, other = (LogIdentity("log", id_, 2) for id_ in "abcd")
    known = [Succession(first, second, {0: 1}), Succession(second, third, {0: 1})]

    assert successor(known, first) == second
    assert successor(known, third) is None
    assert [True, True, True, False] == [
        goes_on_after(known, third, log) for log in (first, second, third, other)
    ]
    assert not goes_on_after(known, first, third)
    assert not goes_on_after(
        [Succession(first, second, {}), Succession(second, first, {})], third, first
    )
