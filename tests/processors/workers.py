"""Real workers as processes, and what their metrics say: for tests on a real broker."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.ports import free_port_pair


def wait_until(what: str, true: Callable[[], bool], timeout: float = 60) -> None:
    """Ask until it is true; AssertionError names what did not come."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.1)


class Worker:
    """One `lgsp worker` process that can be stopped in every way there is."""

    def __init__(self, processor: str, environment: Mapping[str, str], log: Path) -> None:
        first = free_port_pair()
        # national-sync listens on the port after the first one.
        self.port = first if processor == "rates" else first + 1
        self._processor = processor
        self._environment = {**os.environ, **environment, "LGSP_METRICS_PORT": str(first)}
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start (again)."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lgsp.cli", "worker", self._processor],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/metrics", timeout=1
            ) as page:
                text = page.read().decode()
        except (urllib.error.URLError, OSError):
            return 0
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    @property
    def partitions(self) -> int:
        """How many partitions it reads now."""
        return int(self.metric("lgsp_lane_partitions"))

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)
