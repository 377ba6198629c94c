"""Runs the contenders in turns, each in its own process; medians and spread; what is void."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import topic
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.cores import contender_environment
from benchmarks.dataset import Dataset
from benchmarks.digests import Digests

OUT = Path(__file__).parent / "out"
_LEAST, _SLOWEST = 120.0, 50  # seconds one run may take: at least, and by events a second


@dataclass
class Row:
    """The runs of one contender over the same events."""

    contender: Contender
    events: int
    expected: Digests | None
    runs: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""

    @property
    def void(self) -> str:
        """Why the row does not count; "" when it does."""
        if self.fault or not self.runs:
            return self.fault or "it was not run"
        if self.expected is None:
            return ""
        for run in self.runs:
            if run["cells"] != self.expected.cells:
                return "its figures differ"
            if run["digest"] not in {None, self.expected.whole}:
                return "its dossiers differ"
        return ""

    def document(self) -> dict[str, Any]:
        """Return the row as it stands in results.json.

        `digest` is that of the day cells, which every contender that computes has in common;
        `dossiers_digest` covers the dossiers too, None where they are laid out in another way.
        """
        rates = [run["events"] / run["seconds"] for run in self.runs] or [0.0]
        costs = [run["cpu_seconds"] / run["events"] * 1e6 for run in self.runs] or [0.0]
        last = self.runs[-1] if self.runs else {}
        return {
            "contender": self.contender.name,
            "events": self.events,
            "rounds": len(self.runs),
            "events_per_s": {
                "median": round(statistics.median(rates)),
                "min": round(min(rates)),
                "max": round(max(rates)),
            },
            "cpu_s_per_million": round(statistics.median(costs), 2),
            "durable": last.get("durable", False),
            "digest": last.get("cells"),
            "dossiers_digest": last.get("digest"),
            "note": last.get("note", ""),
            "void": self.void,
        }


def compare(
    dataset: Dataset,
    events: int,
    rounds: int,
    names: Sequence[str] = (),
    *,
    slow_events: int | None = None,
    verify: bool = True,
    saved: str = "results",
) -> list[dict[str, Any]]:
    """Run every contender (or the named ones) `rounds` times in turn; return the rows.

    The rows so far are saved after each round as `saved` ("": not), so that a run that is cut off
    is not lost. `slow_events` bounds the events of the slow ones. Without `verify` nothing is
    compared with the expected figures, which take a minute a million events to compute.
    """
    chosen = [c for c in CONTENDERS if not names or c.name in names]
    rows = []
    for contender in chosen:
        count = min(
            events,
            contender.most or events,
            slow_events if contender.slow and slow_events else events,
        )
        expected = dataset.expected(count) if contender.computes and verify else None
        rows.append(Row(contender, count, expected))
    with topic.broker(dataset, beside_contenders=True) as bootstrap:
        topics = {
            count: topic.events_topic(bootstrap, dataset, count)
            for count in sorted({row.events for row in rows})
        }
        _warm_up(bootstrap, topics, dataset)
        for turn in range(rounds):
            for row in (*rows[turn % len(rows) :], *rows[: turn % len(rows)]):
                if row.fault:
                    continue
                try:
                    run = run_once(
                        row.contender, bootstrap, topics[row.events], row.events, dataset.end
                    )
                except ContenderError as error:
                    row.fault = str(error)
                    _say(f"{row.contender.name}: {error}")
                    continue
                row.runs.append(run)
                rate = run["events"] / run["seconds"]
                _say(f"round {turn + 1}/{rounds}: {row.contender.name:<15} {rate:>11,.0f} /s")
            if saved:
                save(saved, [row.document() for row in rows])
    return [row.document() for row in rows]


class ContenderError(Exception):
    """A contender's process failed; the text ends with what it said last."""


def run_once(
    contender: Contender, bootstrap: str, name: str, events: int, now: int
) -> dict[str, Any]:
    """Run one contender once over the topic `name`; return its line.

    Raises:
        ContenderError: it ended with an error, said nothing, or took too long.
    """
    # A new folder and, of its name, a new group each time: nothing is left of earlier runs.
    work = Path(tempfile.gettempdir()) / f"bench-{contender.name}-{uuid.uuid4().hex[:8]}"
    command = [
        *[sys.executable, "-W", "ignore", "-m", f"benchmarks.contenders.{contender.module}"],
        *["--contender", contender.name, "--bootstrap", bootstrap, "--topic", name],
        *["--events", str(events), "--now", str(now), "--work", str(work), *contender.options],
    ]
    try:
        said = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LEAST + events / _SLOWEST,
            cwd=Path(__file__).parents[1],
            env=contender_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise ContenderError(f"no result after {error.timeout:.0f} s") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        topic.delete_of(bootstrap, work.name)
    lines = said.stdout.strip().splitlines()
    if said.returncode != 0 or not lines:
        last = "; ".join((said.stderr.strip() or "it said nothing").splitlines()[-3:])
        raise ContenderError(f"exit code {said.returncode}: {last}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def save(name: str, document: Any) -> Path:
    """Write a document to benchmarks/out/."""
    OUT.mkdir(exist_ok=True)
    file = OUT / f"{name}.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return file


def _warm_up(bootstrap: str, topics: dict[int, str], dataset: Dataset) -> None:
    """Read each topic once, so that nobody is the first to bring it into memory."""
    raw = CONTENDERS[0]
    for count, name in topics.items():
        run_once(raw, bootstrap, name, count, dataset.end)


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
