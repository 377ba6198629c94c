"""`lgsp up` from the command to ready, by stage."""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.system import Process, new_settings, rounded
from lgsp.runtime.httpget import answers_200
from lgsp.runtime.settings import Settings

Stages = dict[str, float]
"""Seconds from the command until each part was ready."""


def measure() -> list[dict[str, object]]:
    """Start with no state, stop, and start again on the state left."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as folder:
        settings = new_settings(Path(folder) / "data")
        for state in ("none", "left by the first start"):
            with started(settings) as stages:
                rows.append({"state": state, **stages})
    return rows


@contextlib.contextmanager
def started(settings: Settings) -> Iterator[Stages]:
    """Run `lgsp up` inside the block; give how long each part took to be ready."""
    settings.data.mkdir(parents=True, exist_ok=True)
    health = f"http://{settings.metrics_host}:"
    up = Process(settings, "up")
    ready: dict[str, Callable[[], bool]] = {
        "broker": lambda: _listens(settings.broker_port),
        "national mock": lambda: answers_200(f"http://127.0.0.1:{settings.mock_port}/readyz"),
        "rates": lambda: answers_200(f"{health}{settings.metrics_port}/readyz"),
        "national sync": lambda: answers_200(f"{health}{settings.metrics_port + 1}/readyz"),
        "feed": lambda: answers_200(f"http://{settings.feed_host}:{settings.feed_port}/readyz"),
        "ready": lambda: b"\nready: http" in up.new_log(),
    }
    stages: Stages = {}

    def all_ready() -> bool:
        for name, true in ready.items():
            if name not in stages and true():
                stages[name] = time.monotonic() - began
        return len(stages) == len(ready)

    began = time.monotonic()
    with up:
        up.wait_until("ready", all_ready)
        yield rounded({name: stages[name] for name in ready})


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
