"""The whole service as its users start it: `lgsp up`, and its children to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.ports import free_port_pair
from tests.waiting import wait_until


class Up:
    """A running `lgsp up` on free ports with its state under `data` (a context manager)."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.feed = free_port_pair()
        self.mock = free_port_pair()
        ports = {"FEED_PORT": self.feed, "MOCK_PORT": self.mock}
        ports |= {"BROKER_PORT": free_port_pair(), "METRICS_PORT": free_port_pair()}
        self.environment = {
            **os.environ,
            "LGSP_DATA": str(data),
            "LGSP_LOG_FORMAT": "json",
            **{f"LGSP_{name}": str(port) for name, port in ports.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Up":
        self.data.mkdir(parents=True, exist_ok=True)
        self.log = self.data.parent / "up.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lgsp.cli", "up"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        wait_until("ready", self._is_ready, 120)
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        text = self.log.read_text()
        assert self._process.poll() is None, text[-3000:]
        return any(line.startswith("ready: http://") for line in text.splitlines())

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def kill(self, *words: str) -> None:
        """kill -9 the child whose command line has all these words."""
        os.kill(self.child(*words), signal.SIGKILL)

    def is_back(self, killed: int, *words: str) -> bool:
        """Tell whether another process than the killed one does its work now."""
        try:
            return self.child(*words) != killed
        except AssertionError:
            return False

    def child(self, *words: str) -> int:
        """Return the pid of the child whose command line has all these words."""
        assert self._process is not None
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                line = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if parent == self._process.pid and set(words) <= set(line):
                return int(entry.name)
        raise AssertionError(f"no child with {words}")

    def run(self, *arguments: str, module: str = "lgsp.cli", ok: bool = True) -> Any:
        """Run a command with --json; return its document."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments, "--json"],
            env=self.environment,
            capture_output=True,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stderr.decode()[-3000:]
        return orjson.loads(done.stdout)

    @contextmanager
    def connector(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `lgsp-connect` beside; it does not outlive the block."""
        with (self.data.parent / "connector.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "lgsp_connectors.cli", *arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        try:
            yield started
        finally:
            started.kill()
            started.wait()
