"""Backup, restore and upgrade never lose evidence; what was published shows what they would."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.delivery.evidence import heads
from lgsp.delivery.evidence.heads import HeadPublisher, read_heads
from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.evidence import opening
from lgsp.store.evidence.keeping import append, stored_head
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.evidence.tables import EVIDENCE
from lgsp.store.sync.tables import QUEUE
from tests.waiting import until

pytestmark = pytest.mark.kafka
AT = 1_720_141_200_000
CODE = "H37.1-240705-0001"


@pytest.fixture
def data(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the sync and three rows of evidence."""
    folder = tmp_path / "data"
    monkeypatch.setenv("LGSP_BROKER", broker)
    monkeypatch.setenv("LGSP_DATA", str(folder))
    open_store(Settings(data=folder).sync_store, metadata=QUEUE.metadata).dispose()
    write(folder, 3)
    return folder


def write(data: Path, count: int) -> ChainHead:
    """Append rows; return the head."""
    engine = open_evidence(Settings(data=data).evidence_store)
    with engine.begin() as connection:
        append(connection, [EvidenceEntry(AT, EvidenceKind.READ, CODE, "s")] * count, AT)
    head = stored_head(engine)
    engine.dispose()
    return head


def run(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(build(), [*words, "--json"])
    assert done.exit_code == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def verified() -> Any:
    """What `verify` finds; other tests' stores have published to the same topic."""
    done = CliRunner().invoke(build(), ["evidence", "verify", "--json"])
    return json.loads(done.stdout)


def test_a_restore_takes_nothing_away_that_was_kept_since(data: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    files = [each["file"] for each in run("backup", "--to", str(backup))["stores"]]
    head = write(data, 2)
    done = run("restore", "--from", str(backup))

    assert ["sync.db", "evidence.db"] == files
    assert "goes on after the copy" in done["evidence"]
    assert head.seq + 1 == write(data, 1).seq
    assert (6, 0) == (verified()["rows"], verified()["changed"])


def test_evidence_that_is_gone_or_broken_comes_back_and_what_it_lacks_is_told(
    data: Path, tmp_path: Path, broker: str
) -> None:
    backup = tmp_path / "backup"
    run("backup", "--to", str(backup))
    head = write(data, 2)
    publisher, producer = HeadPublisher(broker, lambda: head), make_producer(broker)
    publisher.publish_last(producer)
    producer.close()
    assert 5 == verified()["heads"]["newest_row"]

    (data / "evidence.db").write_bytes(b"no database, and longer than the head of a page" * 90)
    done = run("restore", "--from", str(backup))
    found = verified()

    assert "restored" == done["evidence"]
    assert any("evidence.db.before-restore" in kept for kept in done["kept"])
    assert (3, False, 1) == (found["rows"], found["verified"], found["changed"])
    assert "the head published last is of row 5" in found["faults"][0]["what"]


def test_evidence_of_another_store_is_not_put_over_the_live_one(
    data: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    run("backup", "--to", str(backup))
    (data / "evidence.db").unlink()
    other = write(data, 1)
    refused = run("restore", "--from", str(backup), code=2)["error"]["message"]

    assert f"store {other.store}, row 1" in refused
    assert "keep both" in refused
    assert 1 == verified()["rows"]


def test_an_upgrade_moves_evidence_on_and_keeps_a_copy(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(Settings(data=data).evidence_store, metadata=EVIDENCE)
    with engine.begin() as connection:
        connection.execute(text("UPDATE evidence_head SET layout = 0"))
    engine.dispose()
    monkeypatch.setattr(opening, "MIGRATIONS", {0: []})
    refused = run("evidence", "verify", code=2)["error"]["message"]
    done = run("upgrade")

    assert "`lgsp upgrade` moves it on" in refused
    assert "layout 0 moved on to 1, every row kept" == done["evidence"]
    assert (3, 0) == (verified()["rows"], verified()["changed"])
    assert 1 == len(list(data.glob("evidence.db.before-*")))
    assert "evidence" not in run("upgrade")


async def test_heads_are_published_as_they_move(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "_EVERY", 0.05)
    engine = open_evidence(f"sqlite:///{tmp_path / 'evidence.db'}")
    publisher = HeadPublisher(broker, lambda: stored_head(engine))
    running = asyncio.create_task(publisher.run())
    for _ in range(3):
        append_one(engine)
        await until(
            "its head is published", lambda: stored_head(engine).seq in published(broker, engine)
        )
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert stored_head(engine).hash == published(broker, engine)[3].hash
    engine.dispose()


def append_one(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, [EvidenceEntry(AT, EvidenceKind.READ, CODE, "s")], AT)


def published(broker: str, engine: Engine) -> dict[int, ChainHead]:
    own = stored_head(engine).store
    return {head.seq: head for head in read_heads(broker)[0] if head.store == own}
