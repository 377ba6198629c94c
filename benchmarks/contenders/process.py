"""What every contender's process shares: its arguments, its stopwatch, its one line of JSON."""

import argparse
import json
import logging
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cores import bind_contender
from benchmarks.digests import Digests

PARTITIONS = 8
FETCH = {"fetch_max_bytes": 50_000_000, "max_partition_fetch_bytes": 4_000_000}


@dataclass(frozen=True, slots=True)
class Task:
    """What to run on: a topic of exactly `events` records, counted as of `now` (ms UTC)."""

    contender: str
    bootstrap: str
    topic: str
    events: int
    now: int
    work: Path
    plain: bool


def read_task() -> Task:
    """Read the command line; bind the process to its core."""
    bind_contender()
    parser = argparse.ArgumentParser()
    for name in ("contender", "bootstrap", "topic"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("events", "now"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--work", required=True, type=Path, help="an empty folder")
    parser.add_argument("--plain", action="store_true")
    logging.disable(logging.WARNING)
    return Task(**vars(parser.parse_args()))


class Stopwatch:
    """Wall and CPU time of this process from the first records to the last durable effect."""

    def __init__(self, events: int) -> None:
        self.left = events
        self._wall = self._cpu = 0.0
        self._running = False
        self.seconds = self.cpu_seconds = 0.0

    def start(self) -> None:
        """Note that the first records are there; later calls do nothing."""
        if not self._running:
            self._running = True
            self._wall, self._cpu = time.perf_counter(), _cpu()

    def done(self, count: int = 1) -> bool:
        """Take `count` events off those to come; tell whether none is left."""
        self.left -= count
        return self.left <= 0

    def stop(self) -> None:
        """Note that all is done and, where the contender keeps anything, kept."""
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = _cpu() - self._cpu


def report(
    task: Task, watch: Stopwatch, found: Digests | None = None, *, durable: bool, note: str = ""
) -> None:
    """Print the line that the harness reads."""
    line: dict[str, Any] = {
        "contender": task.contender,
        "events": task.events,
        "seconds": round(watch.seconds, 4),
        "cpu_seconds": round(watch.cpu_seconds, 4),
        "digest": found and found.whole,
        "cells": found and found.cells,
        "dossiers": found and found.dossiers,
        "durable": durable,
        "note": note,
    }
    print(json.dumps(line), flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
