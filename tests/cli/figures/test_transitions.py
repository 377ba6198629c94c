"""`lgsp transitions`, as a person and as a script call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lgsp.cli import build
from lgsp.store.engine import open_store
from tests.store.figures.test_transitions import CODES, EVENTS
from tests.store.filled import fill


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose store holds every kind of transition without effect."""
    for name in ("LGSP_STORE", "LGSP_DATA", "LGSP_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, EVENTS)
    engine.dispose()
    return tmp_path


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(build(), ["transitions", *words, "--data", str(data)])


def test_a_script_pages_through_the_list(data: Path) -> None:
    rows, after = [], ""
    while after is not None:
        words = ["--without-effect", "--limit", "40", "--after", after, "--json"]
        page = json.loads(run(data, *words).stdout)
        rows += page["transitions"]
        after = page["next"]

    assert 5 * len(CODES) == page["total"] == len(rows)
    assert {"illegal", "unmapped", "replaced", "held", "removed"} == set(page["counts"])


def test_a_person_sees_the_reason_and_how_to_go_on(data: Path) -> None:
    done = run(data, "--without-effect", "--verdict", "illegal", "--unit", "H37.1", "--limit", "2")

    assert done.exit_code == 0
    assert "SUPPLEMENT_REQUIRED (5) does not follow PROCESSED (9)" in done.stdout
    assert "illegal 8" in done.stdout
    assert "--after " in done.stdout


def test_all_transitions_of_one_dossier(data: Path) -> None:
    rows = json.loads(run(data, CODES[0], "--json").stdout)["transitions"]

    assert {CODES[0]} == {row["dossier"] for row in rows}
    assert "legal" in {row["verdict"] for row in rows}
    assert CODES[0] in run(data, CODES[0]).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name one DOSSIER, or give --without-effect"),
        ([CODES[0], "--without-effect"], "name one DOSSIER, or give --without-effect"),
        ([CODES[0], "--unit", "H37.1"], "not with a DOSSIER"),
        (["H37.1-240603-9999"], "'H37.1-240603-9999' is not in the store"),
        (["--without-effect", "--verdict", "legal"], "'legal' is none of: illegal"),
    ],
)
def test_a_bad_question_is_refused(data: Path, words: list[str], message: str) -> None:
    done = run(data, *words, "--json")

    assert done.exit_code == 2
    assert message in json.loads(done.stdout)["error"]["message"]
