"""Opening the store: another layout is refused, not met later as a broken statement."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from lgsp.domain.errors import ConfigurationError, LgspError
from lgsp.runtime.sqlite_url import url_of
from lgsp.runtime.store_away import StoreAway
from lgsp.store.engine import execute, open_existing, open_store, reading
from lgsp.store.presence import as_store_error
from lgsp.store.tables import PORTALS, TABLES
from lgsp.store.wal import background_wal_checkpoints

PORTAL = {"portal": "one", "last_event_at": 0, "last_seen_at": 0}
COUNT = select(func.count()).select_from(PORTALS)


def test_a_store_of_another_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as old:
        old.execute("CREATE TABLE dossiers (code TEXT)")

    with pytest.raises(ConfigurationError, match=r"table dossiers.*lgsp upgrade"):
        open_store(f"sqlite:///{file}")


def test_a_file_that_lost_its_end_is_told_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "rates.db"
    open_store(url_of(file)).dispose()
    os.truncate(file, file.stat().st_size // 2)
    for opening in (open_store, lambda url: open_existing(url, TABLES)):
        with pytest.raises(ConfigurationError, match=f"{file} is broken.*lgsp restore.*away"):
            opening(url_of(file))


def test_a_full_disk_is_told_with_the_store_and_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    engine = open_store(f"sqlite:///{file}")
    rows = [(f"portal {n:0100}", 0, 0) for n in range(5000)]
    insertion = "INSERT INTO portals (portal, last_event_at, last_seen_at) VALUES (?, ?, ?)"
    said = f"the store {file}: database or disk is full: its disk has .* LGSP_DATA"
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # that is: as large as it is now
        with pytest.raises(StoreAway, match=said):
            execute(connection, insertion, rows)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(StoreAway, match=said):
            connection.exec_driver_sql(insertion, rows)
    engine.dispose()


def test_a_reader_keeps_no_writer_out(engine: Engine) -> None:
    with reading(engine) as reader:
        assert 0 == reader.execute(COUNT).scalar_one()
        with engine.begin() as writer:
            writer.execute(insert(PORTALS).values(PORTAL))
    with reading(engine) as reader:
        assert 1 == reader.execute(COUNT).scalar_one()


def test_what_was_committed_is_in_the_file_once_checkpoints_have_ended(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/a.db")
    with background_wal_checkpoints(engine, lambda: False), engine.begin() as connection:
        connection.execute(insert(PORTALS).values(PORTAL))
    engine.dispose()

    assert not (tmp_path / "a.db-wal").exists()
    again = open_store(f"sqlite:///{tmp_path}/a.db", read_only=True)
    with again.connect() as connection:
        assert 1 == connection.execute(COUNT).scalar_one()
    again.dispose()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("database is locked"), "the store: database is locked"),
        (sqlite3.DatabaseError("disk image is malformed"), "the store: disk image is malformed"),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), None),
        (ValueError("x"), None),
    ],
)
def test_what_a_driver_meets_is_one_of_our_errors_and_a_wrong_statement_is_not(
    error: Exception, said: str | None
) -> None:
    found = as_store_error(error)
    assert (None if found is None else str(found)) == said


def test_a_statement_that_failed_shows_no_values(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(
            text("SELECT * FROM nowhere WHERE code = :code"), {"code": "H37-SECRET"}
        )
    assert "H37-SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://lgsp:hunter2@127.0.0.1:1/x",
        "postgresql://lgsp@127.0.0.1:1/x?password=hunter2",
        "postgresql://lgsp@127.0.0.1:1/x?passwrd=hunter2",
        "postgresql://lgsp:hunter2@127.0.0.1:port/x",
        "postgresql://lgsp:x/hunter2@127.0.0.1:1/x",
        "postgresql//lgsp:hunter2@127.0.0.1:1/x",
        "host=127.0.0.1 password=hunter2",
    ],
)
def test_no_address_of_a_store_shows_its_password(url: str) -> None:
    with pytest.raises(LgspError) as refused:
        open_store(url)

    assert "hunter2" not in str(refused.value)
