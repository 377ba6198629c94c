"""Stores as an earlier version left them, made anew from the log and put in their place.

`tests/store/old/` holds them: written by that version's own code, as SQL.
"""

import asyncio
import json
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.processors import national_sync, rates
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.digest import digest
from lgsp.store.rates.recount import count_differing
from lgsp.store.refusal import refuse
from lgsp.store.sync.queue import LANE
from lgsp.store.sync.tables import OUTBOX, QUEUE
from tests.conftest import MakeTopic
from tests.store.filled import fill
from tests.store.rates.history import NOW, history

pytestmark = pytest.mark.kafka

OLD = Path(__file__).parents[2] / "store/old"
READ = 28
"""Events that the old stores had read; the log has some more."""
CODES = [f"H37.{n % 3 + 1}-240108-{n:04}" for n in range(6)]


def events() -> list[Any]:
    """Give the dossiers of the old stores: the first READ events are of those six."""
    made = history(random.Random(7), dossiers=40)
    by_code: dict[str, list[Any]] = {}
    for event in made:
        by_code.setdefault(event.dossier_code, []).append(event)
    long = sorted(by_code.values(), key=len, reverse=True)[:6]
    same = [
        replace(event, dossier_code=code)
        for code, its in zip(CODES, long, strict=True)
        for event in its
    ]
    first = [next(e for e in same if e.dossier_code == code) for code in CODES]
    rest = [event for event in same if event not in first]
    return first + rest


EVENTS = events()


@pytest.fixture
def settings(
    broker: str, make_topic: MakeTopic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Old stores in a data folder, and the log that they had read."""
    topic = make_topic(partitions=1)
    monkeypatch.setenv("LGSP_EVENTS_TOPIC", topic)
    for name in ("rates", "sync"):
        text = (OLD / f"layout_2_{name}.sql").read_text("utf-8").replace("dossier-events", topic)
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as old:
            old.executescript(text)

    async def send() -> None:
        async with BulkProducer(broker, topic) as producer:
            for event in EVENTS:
                producer.add(event.dossier_code.encode(), encode_event(event))
            await producer.flush()

    asyncio.run(send())
    assert len(EVENTS) > READ
    monkeypatch.setenv("LGSP_BROKER", broker)
    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    return Settings(data=tmp_path, broker=broker, events_topic=topic)


def upgrade(code: int = 0) -> Any:
    done = CliRunner().invoke(build(), ["upgrade", "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def old_queue() -> dict[str, Any]:
    with closing(sqlite3.connect(":memory:")) as old:
        old.executescript((OLD / "layout_2_sync.sql").read_text("utf-8"))
        old.row_factory = sqlite3.Row
        return {row["code"]: dict(row) for row in old.execute("SELECT * FROM sync_lanes")}


def test_the_workers_refuse_the_old_ones_and_name_the_command(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="`lgsp upgrade`"):
        rates.run(settings)
    with pytest.raises(ConfigurationError, match="`lgsp upgrade`"):
        national_sync.run(settings)


def test_both_stores_are_made_anew_with_what_the_portal_has_acknowledged(
    settings: Settings, tmp_path: Path
) -> None:
    before = {name: (tmp_path / name).read_bytes() for name in ("rates.db", "sync.db")}
    report = upgrade()

    assert set(report["upgraded"]) == {"rates.db", "sync.db"}
    assert (report["rates"]["events"], report["sync"]["events"]) == (len(EVENTS), READ)
    assert report["sync"]["carried"] == len(CODES)
    kept = {Path(path).name.partition(".before-")[0]: Path(path) for path in report["kept"]}
    assert {name: path.read_bytes() for name, path in kept.items()} == before
    assert all("before-0." in str(path) for path in kept.values())

    fresh = open_store(f"sqlite:///{tmp_path / 'fresh.db'}")
    fill(fresh, EVENTS)
    made = open_store(settings.rates_store)
    assert digest(made, SIMPLE.measures) == digest(fresh, SIMPLE.measures)
    sync = open_store(settings.sync_store)
    with sync.connect() as connection:
        rows = {row["code"]: row for row in connection.execute(select(QUEUE)).mappings()}
        outbox = connection.execute(select(OUTBOX.c.code, OUTBOX.c.value)).all()
        positions = stored_offsets(connection, LANE, settings.events_topic)
    assert positions == {0: READ}
    assert [(CODES[0], b"result")] == outbox
    for code, old in old_queue().items():
        same = ("queue_state", "reason", "acknowledged", "attempts", "settled", "version")
        names = {"queue_state": "lane"}
        assert {n: rows[code][n] for n in same} == {n: old[names.get(n, n)] for n in same}
        assert rows[code]["dossier"][0] == 3
    for store in (fresh, made, sync):
        store.dispose()

    assert upgrade() == {"upgraded": {}, "kept": []}


def test_a_store_in_use_stays_as_it_is(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sync.db")) as worker:
        worker.execute("PRAGMA journal_mode=WAL")
        read = "SELECT count(*) FROM sync_lanes"
        assert worker.execute(read).fetchone() == (len(CODES),)
        assert "is in use" in upgrade(code=2)["error"]["message"]
        assert worker.execute(read).fetchone() == (len(CODES),)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rates.db", "sync.db"]


def test_a_queue_of_another_log_is_not_taken_over(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sync.db")) as old:
        old.execute("UPDATE offsets SET next_offset = 9999")
        old.commit()
    assert "counted up to 9999" in upgrade(code=2)["error"]["message"]
    with closing(sqlite3.connect(tmp_path / "sync.db")) as old:
        old.execute("UPDATE offsets SET next_offset = 28")
        old.execute("UPDATE sync_lanes SET code = 'H37.9-1' WHERE code = ?", (CODES[0],))
        old.commit()
    assert "they are not of one log" in upgrade(code=1)["error"]["message"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rates.db", "sync.db"]


def test_a_refused_store_is_made_anew_and_nothing_of_it_is_taken_over(
    settings: Settings, tmp_path: Path
) -> None:
    upgrade()
    refuse(tmp_path / "sync.db", "it is a mixture")
    report = upgrade()
    assert list(report["upgraded"]) == ["sync.db"]
    assert report["sync"] == {"carried": 0, "events": 0}
    open_store(settings.sync_store).dispose()


def test_cells_that_are_not_those_of_the_dossiers_are_counted(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, EVENTS)
    calendar = load_calendar()
    with engine.connect() as connection:
        assert count_differing(connection, SIMPLE, calendar, NOW) == 0
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE cells SET open = open + 1 WHERE day = (SELECT min(day) FROM cells)"
        )
        assert count_differing(connection, SIMPLE, calendar, NOW) == 1
    engine.dispose()
