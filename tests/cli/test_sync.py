"""`lgsp sync`: dossiers are listed whole, at any width and in JSON, and any is redriven."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
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
    assert json.loads(run(data, "redrive", "--cause", "no", "--json").stdout) == {"redriven": 0}
    assert json.loads(run(data, "redrive", "--cause", "thiếu", "--json").stdout) == {
        "redriven": 39
    }


def test_any_code_is_redriven_and_one_that_is_unknown_is_told(data: Path) -> None:
    _set(data, CODES[0], queue_state=QueueState.CLEAN.value)
    words = ["sync", "redrive", CODES[0], CODES[0], "H37-unknown", "--data", str(data)]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 2
    assert "1 of 2 dossiers are not in the queue" in " ".join(done.stderr.split())
    assert "H37-unknown" in done.stderr
    assert json.loads(run(data, "status", "--json").stdout)["clean"] == 1

    assert json.loads(run(data, "redrive", CODES[0], "--json").stdout) == {"redriven": 1}
    assert json.loads(run(data, "status", "--json").stdout)["pending"] == 1


def test_pending_ones_are_listed_with_cause_attempts_age_and_next_try(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in CODES[:2]:
        _set(data, code, queue_state=QueueState.PENDING.value, failing_since=NOW)
    _set(data, CODES[1], attempts=1, pending_since=NOW - 1000)
    monkeypatch.setenv("COLUMNS", "80")

    shown = run(data, "pending").stdout
    assert CODES[0] in shown
    assert CODES[1] in shown
    document = json.loads(run(data, "pending", "--json").stdout)
    assert document["count"] == 2
    assert [dossier["code"] for dossier in document["pending"]] == [CODES[1], CODES[0]]
    assert document["pending"][1].pop("age_seconds") > 0
    assert document["pending"][1] == {
        "code": CODES[0],
        "reason": REASON,
        "attempts": 3,
        "pending_since": "2024-07-05T01:00:00Z",
        "failing_since": "2024-07-05T01:00:00Z",
        "next_attempt_at": "2024-07-05T01:00:00Z",
    }
    assert json.loads(run(data, "status", "--json").stdout)["waiting"] == 1


def _set(data: Path, code: str, **values: Any) -> None:
    engine = open_store(f"sqlite:///{data / 'sync.db'}")
    with engine.begin() as connection:
        connection.execute(update(QUEUE).where(QUEUE.c.code == code).values(**values))
    engine.dispose()


@pytest.mark.parametrize(("command", "name"), [("resend", "resent"), ("arrived", "arrived")])
def test_a_doubt_is_ended_by_a_person(data: Path, command: str, name: str) -> None:
    assert json.loads(run(data, command, CODES[3], "--json").stdout) == {name: 1}
    assert json.loads(run(data, "status", "--json").stdout)["pending"] == 1
    done = CliRunner().invoke(build(), ["sync", command, "H37-x", "--data", str(data)])
    assert done.exit_code == 2
    assert "1 of 1 dossiers are not in the queue, and nothing was changed: H37-x" in done.stderr
