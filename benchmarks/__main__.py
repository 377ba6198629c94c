"""`python -m benchmarks`: short (`make bench`), long (`make bench-long`), or one part alone."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import latency, report, stages
from benchmarks.dataset import Dataset
from benchmarks.harness import OUT, compare, save
from lgsp.runtime.kafka_install import kafka_version
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings

_SLOW_EVENTS = 50_000
_LINEAR = (100_000, 1_000_000, 10_000_000)
_LIBRARIES = ("aiokafka", "faust-streaming", "quixstreams", "bytewax", "confluent-kafka", "numpy")

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback()
def configure() -> None:
    """Compare our service with its peers on one event set."""
    configure_logs(load_settings(), service="bench")


@app.command()
def short(
    events: Annotated[int | None, typer.Option(min=1000, help="None: the half-year.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 2,
    as_json: Json = False,
) -> None:
    """Two rounds, the slow contenders on the first events only, latency, the page: minutes.

    The quick ones get the whole half-year: a JVM is not warm before some hundred thousand events.
    """
    dataset = Dataset()
    _contenders(events or dataset.size(), rounds, (), slow_events=_SLOW_EVENTS)
    save("latency", latency.measure(dataset, 6, rounds))
    _end(as_json=as_json)


@app.command()
def long(rounds: int = 5, as_json: Json = False) -> None:
    """Five rounds on the whole half-year, latency, up to 10 million events, the page: hours."""
    dataset = Dataset()
    _contenders(dataset.size(), rounds, ())
    save("latency", latency.measure(dataset, 12, rounds))
    _linear(_LINEAR)
    _end(as_json=as_json)


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Contenders; none: all.")] = None,
    events: int = _SLOW_EVENTS,
    rounds: int = 1,
    as_json: Json = False,
) -> None:
    """Run some contenders and print their rows; the page is left as it is."""
    _contenders(events, rounds, tuple(names or ()))
    _end(as_json=as_json, page=False)


@app.command("latency")
def latency_only(seconds: float = 12, rounds: int = 3) -> None:
    """Measure produced-to-stored latency."""
    save("latency", latency.measure(Dataset(), seconds, rounds))


@app.command()
def linear(counts: Annotated[list[int] | None, typer.Argument()] = None) -> None:
    """Measure events a second by number of events."""
    _linear(counts or _LINEAR)


@app.command("stages")
def stages_only(events: int = 50_000, as_json: Json = False) -> None:
    """Time the hot path stage by stage, without Kafka."""
    rows = stages.measure(Dataset(), events)
    if as_json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(f"{row['stage']:<34}{row['cpu_us']:>8} us of CPU an event")


@app.command("report")
def report_only() -> None:
    """Write docs/performance.md from benchmarks/out/."""
    report.write()


def _contenders(
    events: int, rounds: int, names: tuple[str, ...], *, slow_events: int | None = None
) -> None:
    begun = _conditions()
    compare(Dataset(), events, rounds, names, slow_events=slow_events)
    save("conditions", begun | {"load average after": _load()})


def _linear(counts: Any) -> None:
    rows = []
    for count in counts:
        rows += compare(Dataset(), count, 1, ("raw", "ours", "kafka-streams"), verify=False)
        save("linear", rows)


def _end(*, as_json: bool, page: bool = True) -> None:
    if page:
        report.write()
    rows = json.loads((OUT / "results.json").read_bytes())
    if as_json:
        print(json.dumps(rows))
    else:
        latencies = OUT / "latency.json"
        found = json.loads(latencies.read_bytes()) if latencies.exists() else []
        print(report.ratios_block(rows, found))
        print(report.contenders_block(rows))
    sys.exit(1 if any(row["void"] for row in rows) else 0)


def _conditions() -> dict[str, str]:
    """Say when, on what and with what."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": commit.stdout.strip() or "not known",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python"
        f" {platform.python_version()}",
        "load average before": _load(),
        "Apache Kafka": f"{kafka_version()} (one node, the same cores); Kafka Streams 4.3.1",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
    }


def _load() -> str:
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    app()
