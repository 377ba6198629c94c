"""`lgsp indicators` and `lgsp explain` on a filled store: one JSON document, clear refusals."""

import json
import random
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lgsp.cli import build
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.measures import Part
from lgsp.domain.profiles.registry import PROFILES
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.engine import open_store
from tests.domain.profiles.by_date import BY_DATE
from tests.store.filled import fill
from tests.store.rates.history import history


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with a filled store, the one that the commands use."""
    engine: Engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, history(random.Random(6), dossiers=40))
    engine.dispose()
    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    monkeypatch.delenv("LGSP_STORE", raising=False)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    build()(arguments, standalone_mode=False)
    return capsys.readouterr().out


def test_the_lists_of_explain_are_as_long_as_the_figures(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scope = ("--period", "2024", "--unit", "H37.1", "--json")
    figures = json.loads(run(capsys, "indicators", *scope))
    assert all(rate["denominator"] for rate in figures["rates"].values())
    for rate in (rate.name for rate in SIMPLE.measures.rates):
        for part in Part:
            said = json.loads(run(capsys, "explain", rate, "--part", part, *scope))

            assert figures["rates"][rate][part] == said["number"] == len(said["dossiers"])
            assert figures["profile"] == said["profile"] == SIMPLE.document()


def test_the_tables_show_the_same_numbers(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = json.loads(run(capsys, "indicators", "--json"))
    shown = run(capsys, "indicators")
    listed = run(capsys, "explain", "resolved_late")

    value = figures["rates"]["on_time_rate"]["value"]
    assert f"{value} %".replace(".", ",") in shown
    assert "quy tắc simple/2" in shown
    assert f"resolved_late: {figures['counts']['resolved_late']}" in listed


def test_the_profile_is_that_of_the_option_else_of_the_setting(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROFILES, BY_DATE.name, BY_DATE)
    other = data / "other"
    engine = open_store(f"sqlite:///{other / 'rates.db'}")
    fill(engine, history(random.Random(6), dossiers=39), profile=BY_DATE)
    engine.dispose()
    simple = json.loads(run(capsys, "indicators", "--json"))
    with pytest.raises(ConfigurationError, match="by profile simple/2, not by profile by-date/7"):
        run(capsys, "indicators", "--profile", "by-date")
    monkeypatch.setenv("LGSP_DATA", str(other))
    by_date = json.loads(run(capsys, "indicators", "--profile", "by-date", "--json"))
    monkeypatch.setenv("LGSP_PROFILE", "by-date")

    assert by_date["counts"] == json.loads(run(capsys, "indicators", "--json"))["counts"]
    assert [d["profile"]["name"] for d in (simple, by_date)] == ["simple", "by-date"]
    assert simple["counts"] != by_date["counts"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("indicators", "--period", "2024-Q9"), "2024-Q9"),
        (("indicators", "--profile", "nobody"), ", ".join(sorted(PROFILES))),
        (("explain", "nothing"), "none of: filing_rate"),
        (("explain", "open", "--as-of", "2090-01-01"), "in the future"),
    ],
)
def test_a_bad_question_is_named_and_ends_with_2(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    word: str,
) -> None:
    from lgsp.cli import main

    monkeypatch.setattr("sys.argv", ["lgsp", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert word in capsys.readouterr().err


def test_without_a_store_nothing_is_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lgsp.cli import main

    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["lgsp", "indicators"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "rates.db" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["indicators"], ["explain", "open"]])
@pytest.mark.parametrize("option", ["--unit", "--domain", "--procedure"])
def test_a_scope_that_nothing_was_ever_counted_for_is_no_zero(
    data: Path, words: list[str], option: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build()([*words, option, "H99.1"], standalone_mode=False)
    (fault,) = caught.value.faults
    assert (fault.key, fault.value) == (option, "H99.1")
    assert "nothing was ever counted" in fault.message
