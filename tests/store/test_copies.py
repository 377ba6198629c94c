"""Copies of a store: whole while somebody writes, and put back only where nobody does."""

import random
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from sqlalchemy import MetaData

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.records import Batch
from lgsp.store.copies import (
    MANIFEST,
    Copy,
    alone,
    check_whole,
    copy_file,
    copy_live,
    put_in_place,
    read_backup,
    write_manifest,
)
from lgsp.store.engine import open_store
from lgsp.store.rates.digest import digest
from lgsp.store.rates.fold import RatesFold
from lgsp.store.refusal import refusal, refuse
from tests.postgres import server_binaries
from tests.records import FakeRecord
from tests.store.conftest import postgres_url  # noqa: F401 - fixture
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history

EVENTS = history(random.Random(2), dossiers=60)


def test_a_copy_under_load_is_one_moment(tmp_path: Path) -> None:
    live, fresh = tmp_path / "rates.db", tmp_path / "fresh.db"
    engine = open_store(f"sqlite:///{live}")
    fill(engine, EVENTS[:10])
    begun = threading.Event()

    def write() -> None:
        for at in range(10, len(EVENTS), 5):
            fill(engine, EVENTS[at : at + 5])
            begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait()
    copies = [copy_live(live, tmp_path / f"{n}.db") for n in range(3)]
    thread.join()
    engine.dispose()

    for copy in copies:
        counted = copy.positions["rates/dossier-events/0"]
        fresh.unlink(missing_ok=True)
        one, other = (open_store(f"sqlite:///{f}") for f in (tmp_path / copy.file, fresh))
        fill(other, EVENTS[:counted])
        assert digest(one, SIMPLE.measures) == digest(other, SIMPLE.measures)
        one.dispose()
        other.dispose()


def test_a_backup_is_what_it_was_or_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no complete backup"):
        read_backup(tmp_path)
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, EVENTS[:10])
    engine.dispose()
    folder = tmp_path / "backup"
    folder.mkdir()
    made = copy_live(tmp_path / "rates.db", folder / "rates.db")
    write_manifest(folder, [made], "2026-11-27T00:00:00Z")
    assert read_backup(folder) == ("2026-11-27T00:00:00Z", [made])
    assert (folder / "rates.db").stat().st_mode & 0o777 == 0o600

    with (folder / "rates.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    with pytest.raises(ConfigurationError, match="its digest differs"):
        read_backup(folder)
    (folder / "rates.db").unlink()
    with pytest.raises(ConfigurationError, match=r"rates\.db is missing"):
        read_backup(folder)
    outside = Copy(file="../rates.db", sha256=made.sha256, positions={}).document()
    (folder / MANIFEST).write_bytes(orjson.dumps({"made_at": "", "stores": [outside]}))
    with pytest.raises(ConfigurationError, match="is missing"):
        read_backup(folder)


def test_a_file_with_a_fault_is_not_whole(tmp_path: Path) -> None:
    file = tmp_path / "rates.db"
    engine = open_store(f"sqlite:///{file}")
    fill(engine, EVENTS)
    engine.dispose()
    check_whole(file)
    content = bytearray(file.read_bytes())
    content[8192:20480] = bytes(12288)
    file.write_bytes(content)
    with pytest.raises(FatalError, match="is not whole"):
        check_whole(file)


def test_a_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    live = tmp_path / "rates.db"
    engine = open_store(f"sqlite:///{live}")
    fill(engine, EVENTS[:10])
    reader = open_store(f"sqlite:///{live}", read_only=True)
    with reader.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM dossiers")
    engine.dispose()
    with pytest.raises(ConfigurationError, match="is in use"), alone(live):
        pass  # a feed that waits for a question has it open
    reader.dispose()
    with alone(live):
        pass


def test_what_is_replaced_is_kept_and_nothing_of_it_is_mixed_in(tmp_path: Path) -> None:
    live, new = tmp_path / "rates.db", tmp_path / "new.db"
    live.write_bytes(b"broken")
    for end in ("-wal", "-shm"):
        live.with_name(f"rates.db{end}").write_bytes(b"of the old one")
    refuse(live, "it is a mixture")
    assert refusal(live)
    with closing(sqlite3.connect(tmp_path / "source.db")) as source:
        source.execute("CREATE TABLE t (x)")
    copy_file(tmp_path / "source.db", new)
    with alone(live):
        kept = put_in_place(new, live, "before-restore")

    assert kept is not None
    assert kept.read_bytes() == b"broken"
    assert kept.name.startswith("rates.db.before-restore-")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["rates.db", "source.db", kept.name]
    )
    check_whole(live)


@pytest.mark.postgres
def test_a_dump_of_postgresql_under_load_comes_back_and_catches_up(
    postgres_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    binaries = server_binaries()
    assert binaries is not None
    dump = tmp_path / "lgsp.dump"
    clean = open_store(postgres_url)
    left = MetaData()
    left.reflect(clean)
    left.drop_all(clean)
    clean.dispose()
    engine = open_store(postgres_url)
    fill(engine, EVENTS[:20])
    stop = threading.Event()
    counted = [20]

    def write() -> None:
        while not stop.is_set() and counted[0] < len(EVENTS) - 10:
            fill(engine, EVENTS[counted[0] : counted[0] + 2])
            counted[0] += 2

    thread = threading.Thread(target=write)
    thread.start()
    pg(binaries, "pg_dump", "--format=custom", f"--file={dump}", postgres_url)
    stop.set()
    thread.join()
    running = RatesFold(engine, SIMPLE, "dossier-events", CALENDAR, lambda: NOW, lambda _: None)
    at = running.open_partition(0)
    records = [FakeRecord(i, encode_event(event)) for i, event in enumerate(EVENTS)]
    running.fold([Batch(0, records[at : at + 5])])

    words = ("--clean", "--if-exists", "--single-transaction", f"--dbname={postgres_url}")
    pg(binaries, "pg_restore", *words, str(dump))
    with pytest.raises(FatalError, match="was set back while it was in use"):
        running.fold([Batch(0, records[at + 5 :])])
    again = RatesFold(engine, SIMPLE, "dossier-events", CALENDAR, lambda: NOW, lambda _: None)
    at = again.open_partition(0)
    assert 20 <= at < len(EVENTS)
    again.fold([Batch(0, records[at:])])
    fresh = open_store(f"sqlite:///{tmp_path / 'fresh.db'}")
    fill(fresh, EVENTS)
    assert digest(engine, SIMPLE.measures) == digest(fresh, SIMPLE.measures)
    fresh.dispose()
    engine.dispose()


def pg(binaries: Path, tool: str, *words: str) -> None:
    subprocess.run([binaries / tool, *words], check=True)
