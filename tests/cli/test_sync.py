"""`lgsp sync`: forty parked dossiers are listed whole, at any width and in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.store.engine import open_store
from lgsp.store.sync.tables import QUEUE, QueueState

CODES = [f"H37.12.34-240705-{n:04d}" for n in range(40)]
REASON = "cổng từ chối: [/bold] thiếu \x1b[31mtrường\x1b[0m bắt buộc, " * 4
NOW = 1_720_141_200_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    engine = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    with engine.begin() as connection:
        for code in CODES:
            connection.execute(
                insert(QUEUE).values(
                    code=code,
                    partition=0,
                    version=1,
                    settled=1,
                    queue_state=QueueState.PARKED.value,
                    reason=REASON,
                    attempts=3,
                    next_attempt_at=NOW,
                    pending_since=NOW,
                    updated_at=None,
                    dossier=b"",
                )
            )
    engine.dispose()
    return tmp_path


def run(data: Path, *words: str) -> Any:
    done = CliRunner().invoke(build(), ["sync", *words, "--data", str(data)])
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.parametrize("columns", ["20", "80", "300"])
def test_the_table_cuts_no_code(data: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = run(data, "parked").stdout
    assert [code for code in CODES if code not in shown] == []
    assert "2024-07-05 08:00" in shown
    assert "\x1b[31m" not in shown


def test_the_document_holds_all_with_instants(data: Path) -> None:
    lanes = json.loads(run(data, "parked", "--json").stdout)["lanes"]
    assert [lane["code"] for lane in lanes] == CODES
    assert lanes[0] == {
        "code": CODES[0],
        "lane": "parked",
        "reason": REASON,
        "attempts": 3,
        "pending_since": "2024-07-05T01:00:00Z",
        "updated_at": None,
    }


def test_status_and_redrive(data: Path) -> None:
    status = json.loads(run(data, "status", "--json").stdout)
    assert (status["parked"], status["pending"]) == (40, 0)
    assert "parked" in run(data, "status").stdout
    assert json.loads(run(data, "redrive", CODES[3], "--json").stdout) == {"redriven": 1}
    assert json.loads(run(data, "redrive", "--json").stdout) == {"redriven": 39}


def test_a_code_that_is_not_stopped_is_told_and_changes_nothing(data: Path) -> None:
    words = ["sync", "redrive", CODES[0], CODES[0], "H37-unknown", "--data", str(data)]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 2
    assert "1 of 2 dossiers do not stand" in " ".join(done.stderr.split())
    assert json.loads(run(data, "status", "--json").stdout)["parked"] == 40
