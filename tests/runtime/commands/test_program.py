"""However a command ends, it ends by the contract; a defect leaves its trace in a file."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lgsp.domain.errors import (
    ConfigurationError,
    FatalError,
    Fault,
    RejectedRecord,
    RejectReason,
    RetryableError,
)
from lgsp.runtime.commands import errors
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit_json
from lgsp.runtime.commands.program import Program, ended

FAULT = Fault(message="no such\nkey", file="p.yaml", line=3, key="a.b", value="\x1b[31mx")


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LGSP_DATA", raising=False)
    yield
    errors.keep_traces_in(Path())


def run(error: BaseException | None, *words: str) -> Any:
    app = typer.Typer(cls=Program, pretty_exceptions_enable=False)
    app.callback()(lambda: None)

    @app.command("work")
    def work(data: Data = None, json: Json = False) -> None:
        begin("work", data)
        if error is not None:
            raise error
        if json:
            emit_json({"name": "\u202egnp.\x9bexe"})

    return CliRunner().invoke(app, ["work", *words])


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ConfigurationError([FAULT, Fault(message="two")]), "configuration", 2),
        (RetryableError("away"), "unavailable", 1),
        (FatalError("broken"), "failed", 1),
        (RejectedRecord(RejectReason.BAD_CODE, value="x"), "failed", 1),
        (PermissionError(13, "Permission denied", "/a/b"), "failed", 1),
        (MemoryError(), "failed", 1),
        (typer.BadParameter("no"), "usage", 2),
        (KeyboardInterrupt(), "interrupted", 130),
        (ZeroDivisionError("by\nzero"), "defect", 1),
    ],
)
def test_every_error_has_its_kind_its_code_and_its_lines(
    error: BaseException, kind: str, code: int
) -> None:
    done = run(error, "--json")
    found = json.loads(done.stdout)["error"]

    assert (found["kind"], found["exit_code"], done.exit_code) == (kind, code, code)
    assert done.stderr == "".join(f"{kind}: {line}\n" for line in found["message"].split("\n"))
    assert len(found["faults"]) == len(found["message"].split("\n"))
    assert run(error).stdout == ""


def test_a_fault_keeps_its_parts_and_is_printable() -> None:
    done = run(ConfigurationError([FAULT]), "--json")
    assert json.loads(done.stdout)["error"]["faults"] == [
        {
            "message": r"no such\nkey",
            "file": "p.yaml",
            "line": 3,
            "key": "a.b",
            "value": r"\x1b[31mx",
        }
    ]
    assert done.stderr.startswith(r"configuration: p.yaml:3: a.b: no such\nkey (got ")


def test_a_document_holds_nothing_that_a_terminal_obeys_and_means_the_same() -> None:
    done = run(None, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"name": "\u202egnp.\x9bexe"}
    assert done.stdout.isascii()


def test_a_defect_leaves_its_trace_where_only_its_owner_reads(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    error = ValueError("bad value 079012345678")
    done = run(error, "--data", "data", "--json")
    found = json.loads(done.stdout)["error"]
    trace = Path(found["trace"])

    assert trace.parent.resolve() == tmp_path / "data" / "logs"
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    assert "Traceback (most recent call last)" in trace.read_text()
    assert "in work" in trace.read_text()
    assert done.stderr == (
        f"defect: ValueError: bad value ***; a defect of this program, full trace in {trace}\n"
    )
    assert "079012345678" not in trace.read_text() + done.stdout


def test_a_trace_makes_no_data_folder(tmp_path: Path) -> None:
    trace = json.loads(run(ValueError(), "--json").stdout)["error"]["trace"]
    assert list(tmp_path.iterdir()) == []
    assert Path(trace).exists()
    Path(trace).unlink()


def test_errors_pass_where_tests_want_them() -> None:
    app = typer.Typer(cls=Program)

    @app.command()
    def work() -> None:
        raise FatalError("broken")

    with pytest.raises(FatalError):
        app([], standalone_mode=False)


@pytest.mark.parametrize("words", [["--data", ""], ["--data="], [""]])
def test_an_empty_argument_is_refused(words: list[str]) -> None:
    done = run(None, *words)
    assert done.exit_code == 2
    assert "is a variable of the shell not set?" in done.stderr


def test_the_first_page_comes_after_nothing() -> None:
    for words in (["--after", ""], ["--after="]):
        assert "No such option: --after" in run(None, *words).stderr


def unread_by_a_library() -> None:
    """End as typer and rich do when nobody reads."""
    try:
        raise BrokenPipeError
    except BrokenPipeError:
        sys.exit(1)


def unread() -> None:
    raise BrokenPipeError


@pytest.mark.parametrize("work", [unread, unread_by_a_library])
def test_whoever_has_read_enough_is_no_failure_of_ours(
    work: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open(tmp_path / "out", "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert ended(work, []) == 141


def test_other_exits_pass() -> None:
    with pytest.raises(SystemExit):
        ended(lambda: sys.exit(3), [])


def test_help_that_nobody_reads_ends_as_any_program_does() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-u", "-m", "lgsp.cli", "--help"],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_closed_streams_are_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    def work() -> None:
        print("nobody reads this")  # noqa: T201 - what a command does
        raise ConfigurationError("nor this")

    assert ended(work, ["--json"]) == 2
    sys.stdout.close()
    sys.stderr.close()
