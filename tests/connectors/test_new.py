"""What `lgsp-connect list` and `new` do with packages, and what a new portal starts from."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.connectors.starter import GOOD, HEADER, start
from typer.testing import CliRunner

from lgsp_connectors.cli import app, commands
from lgsp_connectors.kit import registry

runner = CliRunner()


def test_a_package_that_cannot_be_imported_is_listed_as_broken_and_the_others_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "half_written.py").write_text("def Portal(:\n")
    monkeypatch.syspath_prepend(str(folder))
    broken = {
        name: EntryPoint(name, target, registry.GROUP)
        for name, target in (("absent", "no_such_module:Portal"), ("torn", "half_written:Portal"))
    }
    known = registry.installed() | broken
    for module in (registry, commands):
        monkeypatch.setattr(module, "installed", lambda: known)
    done = runner.invoke(app, ["list", "--json"])
    about = {row["name"]: row["about"] for row in json.loads(done.stdout)["connectors"]}

    assert done.exit_code == 0
    assert about["absent"].startswith("broken: ModuleNotFoundError")
    assert about["torn"].startswith("broken: SyntaxError")
    assert about["files"].startswith("The `files` connector")
    assert runner.invoke(app, ["new", "p"]).exit_code == 0
    for name in broken:
        (folder / "q.yaml").write_text(f"connector: {name}\nportal: q\nprovince: H37\n")
        for words in (["new", "q", "--connector", name], ["check", "q.yaml"]):
            refused = runner.invoke(app, words)
            assert refused.exit_code == 2
            assert f"{name} cannot be loaded: " in refused.stderr


def test_new_writes_a_sample_that_check_reads_at_once_and_run_refuses(folder: Path) -> None:
    assert runner.invoke(app, ["new", "p"]).exit_code == 0
    done = runner.invoke(app, ["check", "p.yaml", "--json"])
    found = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (found["records"], found["rejects"], found["problem"]) == (5, [], "")
    assert {e["channel"] for e in found["events"]} == {"ONLINE", "DIRECT", "POSTAL"}
    for command in ("run", "backfill"):
        refused = runner.invoke(app, [command, "p.yaml"])
        assert refused.exit_code == 2
        assert "p.yaml:6: source.path: names the sample" in refused.stderr


def test_no_glob_of_exports_finds_the_sample(folder: Path) -> None:
    runner.invoke(app, ["new", "p"])
    (written,) = {file.name for file in folder.iterdir()} - {"inbox", "p.yaml"}
    assert not any(Path(written).match(f"*.{end}*") for end in ("csv", "txt", "xls", "json"))


def test_new_keeps_a_sample_that_is_there(folder: Path) -> None:
    (folder / "p.sample").write_text("mine")
    assert runner.invoke(app, ["new", "p"]).exit_code == 0
    assert (folder / "p.sample").read_text() == "mine"


def test_the_starter_rejects_words_that_it_does_not_know_with_and_without_diacritics(
    folder: Path,
) -> None:
    start(folder)
    channels = ["Trực tuyến", "TRỰC TUYẾN", "truc tuyen", "Trực tiếp", "Qua mạng", "qua mang"]
    rows = [GOOD.replace("truc tuyen", word) for word in channels]
    (folder / "inbox" / "a.csv").write_text(HEADER + "".join(rows))
    found = json.loads(runner.invoke(app, ["check", "p.yaml", "--json"]).stdout)

    received = [e["channel"] for e in found["events"] if e["status"] == "RECEIVED"]
    assert received == ["ONLINE", "ONLINE", "ONLINE", "DIRECT"]
    assert [r["value"] for r in found["rejects"]] == ["Qua mạng", "qua mang"]
