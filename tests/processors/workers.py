"""Real workers as processes, and what their metrics say: for tests on a real broker."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.ports import free_port_pair
from tests.waiting import wait_until


def _writable(file: str) -> bool:
    with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
    return True


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

    def stop_outside_transaction(self, store_url: str) -> None:
        """SIGSTOP; on SQLite not while it writes: then it would keep every other writer out.

        One writer holds an SQLite file. A worker that stands still within its few milliseconds
        blocks the others until it goes on, which is why several workers want PostgreSQL.
        """

        def stopped() -> bool:
            self.send(signal.SIGSTOP)
            if not store_url.startswith("sqlite:///") or _writable(store_url[10:]):
                return True
            self.send(signal.SIGCONT)
            return False

        wait_until("it stands outside a transaction", stopped)

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
