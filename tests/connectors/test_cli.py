import json
import time
from pathlib import Path

import pytest
from tests.connectors.starter import GOOD, HEADER, start
from typer.testing import CliRunner

from lgsp_connectors.cli import app
from lgsp_connectors.kit.registry import read_config

runner = CliRunner()


def test_list_names_the_connectors() -> None:
    done = runner.invoke(app, ["list", "--json"])
    names = [row["name"] for row in json.loads(done.stdout)["connectors"]]
    assert {"files", "opencps"} <= set(names)


def test_new_writes_a_valid_start_and_keeps_what_is_there(folder: Path) -> None:
    assert runner.invoke(app, ["new", "my-portal"]).exit_code == 0
    assert read_config(folder / "my-portal.yaml").head.portal == "my-portal"
    again = runner.invoke(app, ["new", "my-portal"])
    assert again.exit_code == 2
    assert "is there already and is kept: choose another name" in again.stderr


@pytest.mark.parametrize("name", ["Bad Name", "../p", "p.yaml"])
def test_new_takes_a_portal_id_only(folder: Path, name: str) -> None:
    done = runner.invoke(app, ["new", name])
    assert done.exit_code == 2
    assert "portal id" in done.stderr
    assert ["inbox"] == [path.name for path in folder.iterdir()]


def test_check_shows_events_and_rejects(folder: Path) -> None:
    start(folder)
    (folder / "inbox" / "a.csv").write_text(HEADER + GOOD + GOOD.replace("dang", "sap"))
    done = runner.invoke(app, ["check", "p.yaml", "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["records"] == 2
    assert [event["status"] for event in found["events"]] == ["RECEIVED", "PROCESSING"]
    assert found["events"][0]["received_at"] == "2024-07-05T01:15:00Z"
    (reject,) = found["rejects"]
    assert (
        reject["origin"],
        reject["field"],
        reject["value"],
    ) == ("./inbox/a.csv:3", "TrangThai", "sap xu ly")


def test_check_fails_when_nothing_fits(folder: Path) -> None:
    start(folder)
    (folder / "inbox" / "a.csv").write_text(HEADER.replace("DonVi", "Don_vi") + GOOD)
    done = runner.invoke(app, ["check", "p.yaml"])
    assert done.exit_code == 1
    assert "DonVi" in done.stdout


@pytest.mark.parametrize("command", ["check", "run", "backfill"])
def test_bad_configuration_is_exit_2(folder: Path, command: str) -> None:
    (folder / "p.yaml").write_text("connector: files\nportal: P\n")
    done = runner.invoke(app, [command, "p.yaml", "--json"])
    assert done.exit_code == 2
    assert "p.yaml:2: portal: " in json.loads(done.stdout)["error"]["message"]
    assert "province: this key is required" in done.stderr


def test_check_groups_rejects_by_cause_and_proposes_a_map(folder: Path) -> None:
    start(folder)
    rows = (
        GOOD * 2 + GOOD.replace("dang xu ly", "Yêu cầu bổ sung") * 3 + GOOD.replace("08:15", "x")
    )
    (folder / "inbox" / "a.csv").write_text(HEADER + rows)
    found = json.loads(runner.invoke(app, ["check", "p.yaml", "--json"]).stdout)
    assert [(c["rejects"], c["reason"], c["field"]) for c in found["causes"]] == [
        (3, "unmapped_status", "TrangThai"),
        (1, "bad_date", "NgayTiepNhan"),
    ]
    assert found["causes"][0]["origin"].endswith("a.csv:4")
    assert found["unmapped"] == [
        {"field": "TrangThai", "word": "Yêu cầu bổ sung", "rows": 3, "proposed": "5"}
    ]
    assert "bổ sung" in runner.invoke(app, ["check", "p.yaml"]).stdout


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (None, 1, "no file matches"),
        ("", 1, "the newest file, ./inbox/a.csv, is empty"),
        (HEADER, 1, "the source has no rows now"),
    ],
)
def test_check_of_a_source_without_rows_says_why(
    folder: Path, text: str | None, code: int, said: str
) -> None:
    start(folder)
    if text is not None:
        (folder / "inbox" / "a.csv").write_text(text)
    done = runner.invoke(app, ["check", "p.yaml"])
    assert done.exit_code == code
    assert said in done.output


def test_check_of_a_portal_that_is_away_fails_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", "x")
    (folder / "p.yaml").write_text(
        "connector: opencps\nportal: p\nprovince: H37\nsource:\n  url: http://127.0.0.1:9\n"
        "  group_id: a\n"
    )
    started = time.monotonic()
    done = runner.invoke(app, ["check", "p.yaml"])
    assert done.exit_code == 1
    assert time.monotonic() - started < 5
