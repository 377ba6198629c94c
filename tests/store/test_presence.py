"""A store that is locked, away or without room: bounded waits, one line, a gauge that grows."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, insert, text
from sqlalchemy.engine import make_url

from lgsp.runtime.store_away import StoreAway
from lgsp.store.engine import METADATA, execute, open_store
from lgsp.store.postgres import connect_arguments
from lgsp.store.presence import busy_seconds, probe_store
from lgsp.store.tables import PORTALS
from tests.waiting import wait_until

ROW = {"portal": "p", "last_event_at": 1, "last_seen_at": 1}
RAW = "INSERT INTO portals (portal, last_event_at, last_seen_at) VALUES (?, ?, ?)"


@pytest.fixture
def impatient(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A store that waits for no lock."""
    monkeypatch.setattr("lgsp.store.sqlite._BUSY", 100)
    url = store_url + ("?options=-c%20lock_timeout%3D100" if "postgresql" in store_url else "")
    engine = open_store(url)
    yield engine
    engine.dispose()


@contextmanager
def locked(engine: Engine) -> Iterator[Connection]:
    """Another session keeps everybody out."""
    other = create_engine(engine.url)
    with other.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE portals IN ACCESS EXCLUSIVE MODE"))
        else:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        yield connection
        connection.rollback()
    other.dispose()


def write_one(connection: Connection, *, past_sqlalchemy: bool) -> None:
    if past_sqlalchemy:
        execute(connection, RAW, ("p", 1, 1))
    else:
        connection.execute(insert(PORTALS).values(ROW))


def test_a_locked_store_is_one_line_within_its_bound(impatient: Engine) -> None:
    with locked(impatient):
        for past_sqlalchemy in (False, True):
            began = time.monotonic()
            with pytest.raises(StoreAway) as caught, impatient.begin() as connection:
                write_one(connection, past_sqlalchemy=past_sqlalchemy)
            assert time.monotonic() - began < 10
            assert "\n" not in str(caught.value)
            assert "INSERT" not in str(caught.value)
        with pytest.raises(StoreAway):
            probe_store(impatient, METADATA)
    probe_store(impatient, METADATA)
    with impatient.begin() as connection:
        connection.execute(insert(PORTALS).values(ROW))


def test_the_gauge_says_for_how_long_work_has_been_under_way(engine: Engine) -> None:
    assert busy_seconds() == 0
    with engine.connect():
        first = busy_seconds()
        while busy_seconds() <= first:
            pass
        with engine.connect():
            assert busy_seconds() >= first
        assert busy_seconds() >= first
    assert busy_seconds() == 0


def test_a_full_disk_is_away_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    monkeypatch.setattr("lgsp.runtime.disk._LITTLE", 1 << 62)
    with pytest.raises(StoreAway, match=r"a\.db: its disk has .* LGSP_DATA"):
        probe_store(engine, METADATA)
    engine.dispose()


def test_what_the_url_says_stands_over_our_bounds() -> None:
    url = make_url("postgresql://h/n?connect_timeout=1&options=-c%20search_path%3Dx")
    found = connect_arguments(url)
    assert "connect_timeout" not in found
    assert found["options"].endswith("-c search_path=x")
    assert "lock_timeout=10000" in found["options"]
    assert connect_arguments(make_url("postgresql://h/n"))["connect_timeout"] == 10


def test_a_server_that_stands_still_is_seen_to_keep_work_waiting(postgres_url: str) -> None:
    engine = open_store(postgres_url)
    with engine.connect() as connection:
        server = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(server, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        try:
            work = pool.submit(lambda: engine.connect().close())
            wait_until("it is seen to wait", lambda: busy_seconds() > 0.2)
            assert not work.done()
        finally:
            os.kill(server, signal.SIGCONT)
        work.result(60)
    assert busy_seconds() == 0
    engine.dispose()
