"""Places that do not let a command work: one line and the way out, no traceback."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.store.engine import open_store
from tests.ports import free_port_pair
from tests.programs import missing

LGSP, CONNECT = "lgsp.cli", "lgsp_connectors.cli"
# Root may write anywhere; without these capabilities it is like any other user.
_AS_USER = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


READERS: list[list[str]] = [
    ["indicators"],
    ["explain", "open"],
    ["transitions", "H37.12-240705-0001"],
    ["drain", "--timeout", "1"],
    ["rebuild", "--into", "sqlite:///new.db"],
]
SYNC: list[list[str]] = [["sync", "status"], ["sync", "parked"], ["sync", "redrive"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def start(
    folder: Path, module: str, *words: str, prefix: list[str] | None = None, **environment: str
) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LGSP_")}
    return subprocess.Popen(
        [*(prefix or []), sys.executable, "-m", module, *words],
        cwd=folder,
        env=clean | {"LGSP_BROKER_PORT": str(free_port_pair())} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end; a process that goes on for two minutes is killed, code -9."""
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Ended(process.returncode, out, err)


def errors(processes: Iterable[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Give the error document of each; all have ended before the first is looked at."""
    return [error_of(done) for done in [end(process) for process in list(processes)]]


def error_of(done: Ended) -> dict[str, Any]:
    assert "Traceback" not in done.err
    error: dict[str, Any] = json.loads(done.out.splitlines()[-1])["error"]
    assert error["exit_code"] == done.code
    assert f"{error['kind']}: {error['message'].splitlines()[0]}" in done.err.splitlines()
    return error


def errors_in(data: Path, commands: list[list[str]]) -> list[dict[str, Any]]:
    """Give the error documents of commands run in this process, on a data folder."""
    found = []
    for words in commands:
        done = CliRunner().invoke(build(), [*words, "--data", str(data), "--json"])
        found.append(error_of(Ended(done.exit_code, done.stdout, done.stderr)))
    return found


def test_where_nothing_ran_every_reader_says_so_and_makes_nothing(folder: Path) -> None:
    for error in errors_in(folder, [*READERS, *SYNC]):
        assert error["kind"] == "configuration"
        assert "nothing has run here yet" in error["message"]
        assert "--data or LGSP_DATA" in error["message"]
    assert list(folder.iterdir()) == []


def test_a_store_that_is_something_else_is_named(folder: Path) -> None:
    for name in ("rates.db", "sync.db"):
        (folder / name).write_text("no database at all, but longer than the head of a page")
    commands = [*READERS, *SYNC, ["worker", "rates"], ["worker", "national-sync"]]
    for error in errors_in(folder, commands):
        assert error["kind"] == "configuration"
        assert "is no store" in error["message"]
        assert "move it away" in error["message"]


def test_a_store_of_another_layout_is_named_with_the_way_out(folder: Path) -> None:
    for name in ("rates.db", "sync.db"):
        with closing(sqlite3.connect(folder / name)) as old:
            old.execute("CREATE TABLE offsets (lane TEXT)")
            old.execute("CREATE TABLE dossiers (code TEXT)")
            old.execute("CREATE TABLE sync_lanes (code TEXT)")
    for error in errors_in(folder, [*READERS, ["worker", "rates"]]):
        assert "made by another version" in error["message"]
        assert "`lgsp upgrade`" in error["message"]
    for error in errors_in(folder, SYNC):
        assert "made by another version" in error["message"]
        assert "`lgsp upgrade`" in error["message"]


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    prefix = _AS_USER if os.geteuid() == 0 else []
    if prefix and shutil.which(prefix[0]) is None:
        missing("root may write anywhere, and there is no setpriv to be less")
    data = folder / "data"
    data.mkdir()
    open_store(f"sqlite:///{data / 'rates.db'}").dispose()
    (folder / "other").mkdir()
    for path in (data, folder):
        path.chmod(0o555)
    try:
        running = [
            start(folder, module, *words, "--json", prefix=prefix, LGSP_DATA=str(data))
            for module, words in [
                (LGSP, ["up"]),
                (LGSP, ["broker", "start"]),
                (LGSP, ["worker", "national-sync"]),
                (LGSP, ["mock", "national", "--port", "0"]),
                (LGSP, ["demo"]),
                (LGSP, ["simulate", "province", "--out", "out", "--dossiers", "3"]),
                (LGSP, ["rebuild", "--no-compare", "--into", "sqlite:///new/a.db"]),
                (CONNECT, ["new", "my-portal"]),
            ]
        ]
        found = errors(running)
    finally:
        for path in (data, folder):
            path.chmod(0o755)
    for error in found[:-2]:
        assert any(word in error["message"] for word in ("Permission denied", "unable to open"))
        assert str(folder) in error["message"] or "out" in error["message"]
    assert "no broker runs" in found[-2]["message"]
    assert "my-portal.yaml: Permission denied" in found[-1]["message"]


def test_a_broker_that_does_not_answer_is_named(folder: Path) -> None:
    (folder / "p.yaml").write_text(
        "connector: files\nportal: p\nprovince: H37\nsource: {path: '*.csv'}\nshape: dossiers\n"
        "mapping: {dossier_code: A, agency: B, received_at: {field: C, timezone: Asia/Bangkok}}\n"
    )
    running = [
        start(folder, module, *words, "--json", LGSP_BROKER="127.0.0.1:1")
        for module, words in [
            (LGSP, ["topics", "diff"]),
            (LGSP, ["dead-letters", "list"]),
            (CONNECT, ["run", "p.yaml", "--once"]),
        ]
    ]
    for error in errors(running):
        assert error["exit_code"] == 1
        assert "127.0.0.1:1" in error["message"]


def test_a_reader_that_has_enough_is_no_error(folder: Path) -> None:
    process = start(folder, CONNECT, "list")
    assert process.stdout is not None
    process.stdout.close()
    assert end(process).err == ""


def test_a_full_disk_under_the_output_is_named(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", CONNECT, "list"],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "failed: No space left on device\n"


def test_ctrl_c_is_no_traceback(folder: Path) -> None:
    # A shell starts what runs in the background deaf to it, and the suite may run there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting = start(folder, LGSP, "topics", "diff", "--json", LGSP_BROKER="127.0.0.1:1")
    signal.signal(signal.SIGINT, before)
    assert waiting.stderr is not None
    waiting.stderr.readline()  # it has begun to wait
    waiting.send_signal(signal.SIGINT)
    error = error_of(end(waiting))
    assert (error["kind"], error["exit_code"]) == ("interrupted", 130)


def test_an_output_that_is_not_utf8_takes_the_same_document(folder: Path) -> None:
    words = ("indicators", "--period", "quý 1", "--json")
    process = start(folder, LGSP, *words, PYTHONIOENCODING="ascii")
    done = end(process)
    assert "'quý 1'" in json.loads(done.out)["error"]["message"]
    assert r"'qu\xfd 1'" in done.err


def test_an_argument_that_is_not_text_is_shown_as_its_bytes(folder: Path) -> None:
    name = os.fsdecode(b"\xff\x1b[2J.yaml")
    error = error_of(end(start(folder, CONNECT, "check", name, "--json")))
    assert r"\udcff\x1b[2J.yaml" in error["message"]
