"""Tables show what is in the data, whole codes at any width, and obey nothing."""

import re

import pytest
from rich.text import Text

from lgsp.runtime.commands.output import list_table, local_time, print_table, say, table

CODES = [f"H37.12-240705-{n:04d}" for n in range(40)]
HOSTILE = "[/bold] [red]\x1b[2J\x1b]0;t\x07\u202eabc\nnext"
SHOWN = r"[/bold] [red]\x1b[2J\x1b]0;t\x07\u202eabc\nnext"


def rows(word: str = "the portal refused it: ") -> list[tuple[str, str, str]]:
    return [(code, word * 20, "2024-07-05 08:15") for code in CODES]


@pytest.mark.parametrize("columns", ["20", "80", "200"])
def test_codes_are_whole_at_any_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    print_table(list_table("t", ["dossier", "cause", "since"], rows(), codes=["dossier"]))
    shown = capsys.readouterr().out
    assert [code for code in CODES if code not in shown] == []


def test_codes_are_whole_on_a_narrow_terminal_and_words_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich takes the output for a terminal
    spaced = [(f"HS {code} / 2024", cause, since) for code, cause, since in rows()]
    print_table(list_table("t", ["dossier", "cause", "since"], spaced, codes=["dossier"]))
    shown = capsys.readouterr().out
    assert [code for code, *_ in spaced if code not in shown] == []
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in shown.splitlines()) < 100


def test_outside_a_terminal_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(list_table("t", ["dossier", "cause", "since"], rows(), codes=["dossier"]))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.strip().startswith("H37")] == CODES


def test_text_of_data_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(list_table(HOSTILE, [HOSTILE], [(HOSTILE,)]))
    print_table(table(HOSTILE, {HOSTILE: HOSTILE}))
    say(HOSTILE)
    shown = capsys.readouterr().out
    assert shown.count(SHOWN) == 3 + 3 + 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_values_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(table("t", {"a": 1234567, "b": True, "c": False, "d": None, "e": Text("x")}))
    print_table(table("u", {"f": 0.36176779, "g": {"bad_date": 1, "defect": 2000}, "h": {}}))
    print_table(table("v", {"i": ["/a/b", "/a/c"], "j": []}))
    shown = capsys.readouterr().out.replace(" ", "")
    for row in (
        "i│/a/b│\n││/a/c│",
        "j│-",
        "a│1,234,567",
        "b│yes",
        "c│no",
        "d│-",
        "e│x",
        "f│0.4",
        "g│bad_date:1,defect:2,000",
        "h│-",
    ):
        assert row in shown


def test_local_time() -> None:
    assert local_time(1_720_141_200_000) == "2024-07-05 08:00"
    assert local_time(None) == ""
