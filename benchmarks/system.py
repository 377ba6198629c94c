"""The service's own processes over a real broker, as its users run them, to be measured from
outside: what they say on their ports, and what the kernel says of their CPU time.
"""

import asyncio
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from tests.ports import free_port_pair

from benchmarks.dataset import Dataset
from benchmarks.topic import PARTITIONS, produce
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings, load_settings

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_EVERY = 0.05


class MeasurementError(Exception):
    """What was to be measured did not happen; the text says what and where to look."""


def new_settings(data: Path, **overrides: Any) -> Settings:
    """Return settings with ports of their own and all state under `data`."""
    ports = ("broker_port", "metrics_port", "feed_port", "mock_port")
    return load_settings(
        data=data, partitions=PARTITIONS, **{name: free_port_pair() for name in ports}, **overrides
    )


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a child these settings."""
    given = settings.model_dump(mode="json", include=set(settings.model_fields_set))
    variables = {f"LGSP_{name.upper()}": str(value) for name, value in given.items()}
    return {**os.environ, "LGSP_LOG_FORMAT": "json", **variables}


@contextlib.contextmanager
def empty_installation(**overrides: Any) -> Iterator[Settings]:
    """Run a broker with our topics; the state is deleted."""
    with tempfile.TemporaryDirectory(prefix="bench-system-") as folder:
        settings = new_settings(Path(folder) / "data", **overrides)
        with EmbeddedBroker(settings) as broker:
            settings = settings.model_copy(update={"broker": broker.bootstrap})
            apply_topics(settings)
            yield settings


@contextlib.contextmanager
def installation(dataset: Dataset, events: int, **overrides: Any) -> Iterator[Settings]:
    """Run a broker with our topics and the first `events` on the log; the state is deleted."""
    with empty_installation(**overrides) as settings:
        asyncio.run(produce(settings.bootstrap, DOSSIER_EVENTS, dataset.records(events)))
        yield settings


class Process:
    """One of our commands as a process; a context manager that leaves nothing running."""

    def __init__(
        self, settings: Settings, *arguments: str, module: str = "lgsp.cli", **variables: str
    ) -> None:
        self.name = " ".join(arguments)
        self.log = settings.data.parent / f"{'-'.join(Path(a).stem for a in arguments[:2])}.log"
        self._command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
        self._environment = environment(settings) | variables
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Process":
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id; the process has been started."""
        assert self._child is not None
        return self._child.pid

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its threads until now."""
        return cpu_seconds(self.pid)

    def start(self) -> None:
        """Start (again)."""
        with self.log.open("ab") as log:
            self._log_from = log.tell()
            self._child = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not end it in half a minute."""
        assert self._child is not None
        self._child.terminate()
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def new_log(self) -> bytes:
        """Return what it has written since its start."""
        return self.log.read_bytes()[self._log_from :]

    def wait_until(self, what: str, true: Callable[[], bool], timeout: float = 120) -> float:
        """Wait until it is true and return the monotonic time; MeasurementError: it never was."""
        assert self._child is not None
        deadline = time.monotonic() + timeout
        while not true():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise MeasurementError(f"{self.name}: not seen: {what}; see {self._log_end()}")
            time.sleep(_LOOK_EVERY)  # nothing announces what another process has done
        return time.monotonic()

    def _log_end(self) -> str:
        return self.new_log()[-800:].decode(errors="replace")


class Ran(NamedTuple):
    """A command that has ended well: what it printed, and what it took.

    `peak_mb` is its largest resident memory, looked at twenty times a second.
    """

    document: dict[str, Any]
    seconds: float
    cpu_seconds: float
    peak_mb: float


def run_command(settings: Settings, *arguments: str, module: str = "lgsp.cli") -> Ran:
    """Run a command with --json to its end.

    Raises:
        MeasurementError: it failed; the text ends with what it said.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", module, *arguments, "--json"],
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=said,
        )
        output, peak_mb = _output(child)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise MeasurementError(f"{arguments[0]}: {said.read().decode()[-800:]}")
    seconds, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    return Ran(json.loads(output), seconds, cpu, peak_mb)


def _output(child: subprocess.Popen[bytes]) -> tuple[bytes, float]:
    """Read what a child prints to its end; give its peak memory, too.

    The kernel's own figure of an ended child (`ru_maxrss`) begins with the memory of its parent.
    """
    assert child.stdout is not None
    output, peak_mb = b"", 0.0
    with child.stdout:
        while True:
            (ready, _, _) = select.select([child.stdout], [], [], _LOOK_EVERY)
            peak_mb = max(peak_mb, _peak_mb(child.pid))
            if ready:
                piece = os.read(child.stdout.fileno(), 65_536)
                if not piece:
                    return output, peak_mb
                output += piece


def _peak_mb(pid: int) -> float:
    """Return the largest resident memory of a process so far; 0 when it has just ended."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1000 if found else 0.0


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, by the kernel's count (hundredths)."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def metric(url: str, name: str) -> float:
    """Return the sum over its labels of a metric; 0 while nobody answers at `url`."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback
            found = text_string_to_metric_families(answer.read().decode())
    except OSError:
        return 0
    return sum(
        sample.value for family in found for sample in family.samples if sample.name == name
    )


def percentiles(waits: Sequence[float]) -> dict[str, float]:
    """Return p50 and p99 of waits in seconds, as seconds."""
    ordered = sorted(waits)
    return {f"p{p}_s": round(ordered[len(ordered) * p // 100], 3) for p in (50, 99)}


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values with two decimals."""
    return {name: round(value, 2) for name, value in values.items()}
