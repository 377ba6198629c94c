"""Every command of both programs, as typer knows them, keeps one contract.

The commands are walked, not listed: a new one is tested as soon as it is registered.
"""

import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from typer.main import get_command
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp_connectors.cli import app as connect

PROGRAMS = {"lgsp": build(), "lgsp-connect": connect}
NEEDED = {
    "code": ["H37-240101-0001"],
    "codes": ["H37-240101-0001"],
    "config": ["nowhere.yaml"],
    "figure": ["open"],
    "from_": ["--from", "nowhere"],
    "into": ["--into", "sqlite:///new.db"],
    "letter": ["0123"],
    "name": ["Not A Portal"],
    "out": ["--out", "out"],
    "partitions": ["--partitions", "16"],
    "portal": ["cong-mot"],
    "processor": ["rates"],
    "store": ["0123456789ab"],
    "to": ["--to", "out"],
    "why": ["--why", "because"],
}
"""Words for the arguments and options that a command cannot do without, by their name."""

MORE: dict[tuple[str, ...], list[str]] = {
    ("dead-letters", "replay"): ["--all"],
    ("dead-letters", "close"): ["--all"],
    ("cells", "publish"): ["--all"],
    ("simulate", "province"): ["--dossiers", "3"],
}
FINE = {("list",), ("schemas", "check"), ("broker", "stop"), ("simulate", "province")}
"""Commands that do their work in any folder."""

REPORTS = {("broker", "status")}  # exit 1 is the answer, in a document of their own
KINDS = {"usage", "configuration", "unavailable", "failed"}


@dataclass(frozen=True)
class Command:
    program: str
    path: tuple[str, ...]
    command: Any

    @property
    def options(self) -> set[str]:
        return {name for parameter in self.command.params for name in parameter.opts}

    @property
    def needed(self) -> list[str]:
        names = [parameter.name for parameter in self.command.params if parameter.required]
        return [word for name in names for word in NEEDED[name]] + MORE.get(self.path, [])

    def run(self, *arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(PROGRAMS[self.program], [*self.path, *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.stdout, done.stderr


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, part in inner.items():
        yield from walk(part, (*path, name))


COMMANDS = [
    Command(name, path, command)
    for name, app in PROGRAMS.items()
    for path, command in walk(get_command(app))
]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder where nothing ran, no broker, and every port that a service wants taken."""
    for name in list(os.environ):
        if name.startswith("LGSP_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # not listened on: nothing answers there
        port = str(taken.getsockname()[1])
        for name in ("LGSP_FEED_PORT", "LGSP_MOCK_PORT", "LGSP_METRICS_PORT"):
            monkeypatch.setenv(name, port)
        monkeypatch.setenv("LGSP_BROKER_PORT", str(free.getsockname()[1]))
        yield


def error_of(code: int, out: str, err: str) -> dict[str, Any]:
    """Give the one error document, which the lines on stderr and the exit code agree with.

    A worker has said before, on a line of its own, that it starts.
    """
    starting, _, last = out.rstrip("\n").rpartition("\n")
    assert not starting or json.loads(starting)["state"] == "starting"
    document = json.loads(last)
    assert set(document) == {"error"}
    error: dict[str, Any] = document["error"]
    assert error["kind"] in KINDS
    assert error["exit_code"] == code == (2 if error["kind"] in {"usage", "configuration"} else 1)
    lines = [line for line in err.splitlines() if line.startswith(f"{error['kind']}: ")]
    assert lines == [f"{error['kind']}: {line}" for line in error["message"].split("\n")]
    assert len(error["faults"]) == len(lines)
    assert "Traceback" not in err
    return error


def test_both_programs_are_walked() -> None:
    assert {"up", "drain", "sync", "mock"} <= {command.path[0] for command in COMMANDS}
    assert {"list", "new", "check", "run", "backfill"} <= {
        command.path[0] for command in COMMANDS if command.program == "lgsp-connect"
    }


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join((c.program, *c.path)))
class TestEveryCommand:
    def test_takes_json_and_data(self, command: Command) -> None:
        assert {"--json", "--data"} <= command.options

    def test_tells_what_it_cannot_do_in_an_empty_folder(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if command.path == ("demo",):  # it would find free ports and do its work
            monkeypatch.setenv("LGSP_NATIONAL_URL", "http://127.0.0.1:1")
        if command.path == ("worker",):  # it would wait for its broker: test_places.py
            Path(".lgsp").mkdir()
            Path(".lgsp/rates.db").write_text("this is no database, and longer than a page's head")
        code, out, err = command.run(*command.needed, *ports(command), "--json")

        if command.path in FINE:
            assert code == 0
            assert "error" not in json.loads(out)
        elif command.path in REPORTS:
            assert code == 1
            assert "error" not in json.loads(out)
        else:
            error_of(code, out, err)
        assert "Traceback" not in err
        assert {path.name for path in Path().iterdir()} <= {".lgsp", "out"}

    def test_names_every_wrong_setting_at_once(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LGSP_PARTITIONS", "abc")
        monkeypatch.setenv("LGSP_NONSENSE", "1")
        monkeypatch.setenv("LGSP_FOLD", "x")
        error = error_of(*command.run(*command.needed, "--json"))

        keys = [fault["key"] for fault in error["faults"]]
        assert sorted(keys) == ["LGSP_FOLD", "LGSP_NONSENSE", "LGSP_PARTITIONS"]
        assert list(Path().iterdir()) == []

    def test_refuses_a_file_as_folder(self, command: Command) -> None:
        Path("file").touch()
        if command.path == ("demo",):  # its --data is a folder of its own: below
            return
        error = error_of(*command.run(*command.needed, "--data", "file", "--json"))

        assert error["faults"][0]["key"] == "LGSP_DATA"
        assert "--data" in error["message"]

    @pytest.mark.parametrize("nonsense", ["--nonsense", "--json=1"])
    def test_names_an_option_that_it_does_not_take(self, command: Command, nonsense: str) -> None:
        error = error_of(*command.run(*command.needed, nonsense, "--json"))

        assert error["kind"] == "usage"
        assert nonsense.partition("=")[0] in error["message"]

    def test_help_loses_nothing_to_markup(self, command: Command) -> None:
        texts = [command.command.help, *(getattr(p, "help", "") for p in command.command.params)]
        for text in filter(None, texts):
            assert Text.from_markup(text).plain == text

    def test_refuses_a_number_that_is_none(self, command: Command) -> None:
        numbers = [
            parameter
            for parameter in command.command.params
            if parameter.param_type_name == "option"
            and re.search(r"\b(int|float)\b", str(parameter.type_descriptor.annotation))
        ]
        for parameter in numbers:
            for word in ("x", "nan", "inf", "-99999999999999999999", "9" * 20):
                option = f"{parameter.opts[0]}={word}"
                error = error_of(*command.run(*command.needed, option, "--json"))
                assert parameter.opts[0].strip("-") in error["message"].lower().replace("_", "-")


def ports(command: Command) -> list[str]:
    """Give the taken port to a mock that has no setting for it."""
    if command.path == ("mock", "opencps"):
        return ["--port", os.environ["LGSP_MOCK_PORT"], "--dossiers", "3"]
    return []


def test_demo_refuses_a_file() -> None:
    Path("file").touch()
    demo = next(command for command in COMMANDS if command.path == ("demo",))
    assert "file" in error_of(*demo.run("--data", "file", "--json"))["message"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("words", [["nonsense"], ["--json"]])
def test_a_command_that_there_is_not(program: str, words: list[str]) -> None:
    done = CliRunner().invoke(PROGRAMS[program], [*words, "--json"])
    assert error_of(done.exit_code, done.stdout, done.stderr)["kind"] == "usage"


@pytest.mark.parametrize(("program", "words"), [("lgsp", []), ("lgsp", ["sync"])])
def test_without_a_command_help_is_shown(program: str, words: list[str]) -> None:
    done = CliRunner().invoke(PROGRAMS[program], words)
    assert done.exit_code == 2
    assert "Usage: " in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_version_is_told(program: str) -> None:
    done = CliRunner().invoke(PROGRAMS[program], ["--version"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.fullmatch(r"mini-lgsp \d+\.\d+\.\d+, Python 3\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("program", "words"), [("lgsp", ["sync", "-h"]), ("lgsp-connect", ["-h"])]
)
def test_help_has_its_short_name(program: str, words: list[str]) -> None:
    done = CliRunner().invoke(PROGRAMS[program], words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Usage: " in done.stdout


def test_a_message_is_one_plain_line() -> None:
    done = CliRunner().invoke(PROGRAMS["lgsp"], ["worker"])
    assert "Choose from: rates, national-sync; see" in done.stderr
    done = CliRunner().invoke(PROGRAMS["lgsp"], ["worker", "foo"])
    assert "'processor': 'foo' is not one of 'rates', 'national-sync'" in done.stderr


def test_the_lines_of_help_end_at_the_terminal_only() -> None:
    done = CliRunner().invoke(PROGRAMS["lgsp"], ["restore", "--help"], env={"COLUMNS": "200"})
    assert "The next workers go on with the log from where the backup stood." in done.stdout
