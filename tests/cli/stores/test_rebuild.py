"""Rebuilding from a real log: the same store whatever the number of processes; failures show."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from lgsp.cli.stores import rebuild, rebuild_share
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import url_of
from lgsp.store.engine import open_store
from lgsp.store.identity import OtherLogError
from lgsp.store.tables import DOSSIERS, OFFSETS
from tests.conftest import MakeTopic
from tests.store.conftest import postgres_url, store_url  # noqa: F401 - fixtures
from tests.store.rates.history import history
from tests.store.rates.test_fold import expected_cells, stored_cells
from tests.waiting import read_line

pytestmark = pytest.mark.kafka

EVENTS = history(random.Random(5), dossiers=3000)


@pytest.fixture
def log(broker: str, make_topic: MakeTopic, tmp_path: Path) -> Settings:
    """A log of its own with the events and two records that are none, and settings to read it."""
    topic = make_topic(partitions=5)

    async def send() -> None:
        async with BulkProducer(broker, topic) as producer:
            for event in EVENTS:
                producer.add(event.dossier_code.encode(), encode_event(event))
            for n in range(2):
                producer.add(b"no-event-%d" % n, b"?")
            await producer.flush()

    asyncio.run(send())
    return Settings(data=tmp_path, broker=broker, replay_events=1000, events_topic=topic)


def test_the_store_is_the_same_whatever_the_number_of_processes(
    log: Settings,
    store_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    alone = rebuild.rebuild_store(log, f"sqlite:///{tmp_path / 'alone.db'}", jobs=1)
    shared = rebuild.rebuild_store(log, store_url, jobs=3)

    most = 2 if store_url.startswith("sqlite") else 3
    assert (alone["processes"], shared["processes"]) == (1, most)
    for report in (alone, shared):
        assert (report["events"], report["rejected"]) == (len(EVENTS) + 2, 2)
    assert shared["sha256"] == alone["sha256"]
    store = open_store(store_url)
    without_time = {k: v for k, v in stored_cells(store).items() if k[-1] != "open_overdue"}
    store.dispose()
    assert without_time == {
        k: v for k, v in expected_cells(EVENTS).items() if k[-1] != "open_overdue"
    }


def test_a_live_store_is_compared_where_it_stands_while_the_log_goes_on(
    log: Settings,
    store_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    ends = end_offsets(log.bootstrap, log.events_topic)
    counted = {partition: end // (2 + partition) for partition, end in ends.items()}
    rebuild.rebuild_store(log, store_url, ends=counted)
    live = open_store(store_url)

    into = f"sqlite:///{tmp_path / 'same.db'}"
    report = rebuild.rebuild_beside(live, SIMPLE, log, into)
    assert (report["equal"], report["left"]) == (True, sum(ends.values()) - sum(counted.values()))
    assert report["events"] == sum(counted.values())

    with live.begin() as connection:
        connection.execute(update(DOSSIERS).values(dossier=b"?"))
    into = f"sqlite:///{tmp_path / 'other.db'}"
    assert not rebuild.rebuild_beside(live, SIMPLE, log, into)["equal"]
    live.dispose()


def test_a_live_store_of_another_log_is_refused(log: Settings, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    rebuild.rebuild_store(log, url)
    live = open_store(url)
    with live.begin() as connection:
        connection.execute(update(OFFSETS).values(next_offset=OFFSETS.c.next_offset + 3))
    with pytest.raises(OtherLogError, match=r"partition 4 ends at \d+ and is counted up to \d+"):
        rebuild.rebuild_beside(live, SIMPLE, log, f"sqlite:///{tmp_path / 'new.db'}")
    live.dispose()


def test_a_store_that_is_not_empty_is_refused(log: Settings, tmp_path: Path) -> None:
    into = f"sqlite:///{tmp_path / 'new.db'}"
    rebuild.rebuild_store(log, into, jobs=2)
    with pytest.raises(ConfigurationError, match="not empty"):
        rebuild.rebuild_store(log, into, jobs=2)


def test_a_process_that_is_killed_ends_the_rebuild(
    log: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(rebuild_share, "make_fold", die)
    with pytest.raises(FatalError, match="process 0 of the rebuild ended by itself"):
        rebuild.rebuild_store(log, f"sqlite:///{tmp_path / 'new.db'}", jobs=1)


STANDS = (
    "import time; from lgsp.cli import main; from lgsp.cli.stores import rebuild_share;"
    "rebuild_share.make_fold = lambda *_: (print('folds', flush=True), time.sleep(600));"
    "main()"
)


def test_one_that_is_stopped_leaves_no_half_store_and_the_next_one_works(
    log: Settings, tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    command = ["rebuild", "--no-compare", "--into", url_of(new)]
    environment = os.environ | {
        "LGSP_DATA": str(tmp_path),
        "LGSP_BROKER": log.bootstrap,
        "LGSP_EVENTS_TOPIC": log.events_topic,
    }
    for number in (signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen(
            [sys.executable, "-c", STANDS, *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as stopped:
            read_line(stopped, stopped.stdout, "a process folds", lambda line: line == "folds\n")
            stopped.send_signal(number)
            assert stopped.wait(60) != 0
        assert not new.exists()

    said = subprocess.run(
        [sys.executable, "-m", "lgsp.cli", *command, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(said.stdout)["events"] == len(EVENTS) + 2
    assert [] == list(tmp_path.glob("new.db?*"))


def test_what_a_process_cannot_do_is_told(
    log: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(rebuild_share, "make_fold", fail)
    with pytest.raises(FatalError, match="OperationalError: database or disk is full"):
        rebuild.rebuild_store(log, f"sqlite:///{tmp_path / 'new.db'}", jobs=2)


def test_a_broken_calendar_is_told_before_anything_is_made(log: Settings, tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.json"
    calendar.write_text("{", "utf-8")
    broken = log.model_copy(update={"calendar_file": calendar})
    with pytest.raises(ConfigurationError, match=str(calendar)):
        rebuild.rebuild_store(broken, f"sqlite:///{tmp_path / 'new.db'}")
    assert not (tmp_path / "new.db").exists()


def test_partitions_are_dealt_by_their_events() -> None:
    dealt = rebuild_share.shares({0: 10, 1: 70, 2: 30, 3: 30, 4: 0}, 2)

    assert [sum(share.values()) for share in dealt] == [70, 70]
    assert sorted(p for share in dealt for p in share) == [0, 1, 2, 3, 4]


def test_no_process_without_a_partition() -> None:
    assert rebuild_share.shares({0: 10, 1: 70}, 8) == [{1: 70}, {0: 10}]
