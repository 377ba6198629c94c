"""systemd is told that a process serves, lives and stops: a real process and a socket of ours."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from lgsp.runtime.health import serve_health
from lgsp.runtime.supervision.heartbeat import Heartbeat
well = {"loop": True}
server = serve_health("127.0.0.1", 0, lambda: {"joined": False}, lambda: well)
sys.stdin.readline()
well["loop"] = False
print("unwell", flush=True)
sys.stdin.readline()
server.close()
"""
FEED = """
import sys, uvicorn
from lgsp.runtime.serving.guarded import BoundedServer, guarded
from lgsp.runtime.stopping.ending import LastResort
async def app(scope, receive, send): ...
config = uvicorn.Config(app, port=0, lifespan="off", http=guarded(10, 10), log_config=None)
BoundedServer(config, last_resort=LastResort(), within=60).run()
"""


class Manager:
    """Plays systemd for one process."""

    def __init__(self, folder: Path, *, abstract: bool) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = f"@lgsp-test-{os.getpid()}" if abstract else str(folder / "notify")
        self.socket.bind("\0" + path[1:] if abstract else path)
        self.socket.settimeout(30)
        self.path = path

    def start(self, script: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script],
            env=os.environ | {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "150000"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> str:
        return self.socket.recv(1000).decode()

    def heard_until(self, last: str) -> list[str]:
        found = [self.heard()]
        while found[-1] != last:
            found.append(self.heard())
        return found

    def silent(self, seconds: float) -> bool:
        self.socket.settimeout(seconds)
        try:
            self.heard()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(30)
        return False


@pytest.fixture(params=[False, True], ids=["path", "abstract"])
def manager(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Manager]:
    made = Manager(tmp_path, abstract=request.param)
    yield made
    made.socket.close()


def test_signs_of_life_end_when_a_process_is_unwell(manager: Manager) -> None:
    with manager.start(SCRIPT) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert {manager.heard() for _ in range(3)} == {"READY=1", "WATCHDOG=1"}
            process.stdin.write("be unwell\n")
            process.stdin.flush()
            assert process.stdout.readline() == "unwell\n"
            while not manager.silent(0.4):  # what was under way
                pass
            process.stdin.write("stop\n")
            process.stdin.flush()
            assert manager.heard() == "STOPPING=1"
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_a_server_of_uvicorn_says_the_same(manager: Manager) -> None:
    with manager.start(FEED) as process:
        try:
            said = {manager.heard() for _ in range(3)}
            assert said == {"READY=1", "WATCHDOG=1"}
            process.send_signal(signal.SIGSTOP)
            while not manager.silent(0.4):
                pass
            process.send_signal(signal.SIGCONT)
            assert manager.heard() == "WATCHDOG=1"
            process.terminate()
            assert manager.heard_until("STOPPING=1")[-1] == "STOPPING=1"
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_the_watchdog_of_a_parent_is_not_ours(tmp_path: Path) -> None:
    manager = Manager(tmp_path, abstract=False)
    with manager.start(SCRIPT, WATCHDOG_PID=str(os.getpid())) as process, manager.socket:
        try:
            assert manager.heard() == "READY=1"
            assert manager.silent(0.5)
        finally:
            process.kill()


def test_without_systemd_nothing_happens() -> None:
    environment = {k: v for k, v in os.environ.items() if "WATCHDOG" not in k}
    for path in ("", "/nowhere/at/all"):
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=environment | {"NOTIFY_SOCKET": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            process.communicate("\n\n", timeout=30)
            assert process.returncode == 0
