"""`lgsp simulate province` as a person or a script runs it."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from lgsp.cli.simulate import register
from lgsp.domain.errors import ConfigurationError

app = typer.Typer()
register(app)
COMMAND = ["simulate", "province", "--dossiers", "300", "--out"]


def test_prints_one_json_document_equal_to_truth_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*COMMAND, str(tmp_path / "twin"), "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "twin" / "truth.json").read_bytes())


def test_prints_a_table_for_people(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*COMMAND, str(tmp_path / "twin"), "--to", "2024-03-31"])

    assert done.exit_code == 0, done.output
    assert "97.7 % (293 / 300)" in done.stdout


def test_bad_usage(tmp_path: Path) -> None:
    unknown = CliRunner().invoke(app, [*COMMAND, str(tmp_path), "--format", "xml"])
    wrong = CliRunner().invoke(app, [*COMMAND, str(tmp_path), "--province", "LangSon"])

    assert unknown.exit_code == 2
    assert isinstance(wrong.exception, ConfigurationError)  # exit code 2 in `lgsp.cli.main`
