"""`python -m benchmarks`: short (`make bench`), long (`make bench-long`), or one part alone."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import (
    endtoend,
    folds,
    latency,
    memory,
    portal_files,
    rebuild,
    recovery,
    report,
    stages,
    startup,
    workers,
)
from benchmarks.cores import are_bound
from benchmarks.dataset import Dataset
from benchmarks.harness import ContenderError, compare, save
from benchmarks.system import MeasurementError
from lgsp.domain.errors import LgspError
from lgsp.runtime.broker.install import kafka_version
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings

_SLOW_EVENTS = 50_000
_END_TO_END_SECONDS = 30.0
_DOSSIERS, _NIGHTS, _FILES = 170_000, 10, 100_000
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
    """Two rounds, the slow contenders on the first events only, all parts, the page: minutes.

    The quick ones get the whole half-year: a JVM is not warm before some hundred thousand events.
    """
    dataset = Dataset()
    count = events or dataset.size()
    _contenders(count, rounds, (), slow_events=_SLOW_EVENTS)
    done = _parts(dataset, count, seconds=6, rounds=rounds)
    _end(as_json=as_json, done=done)


@app.command("nights")
def nights_only(dossiers: int = _DOSSIERS, count: int = _NIGHTS) -> None:
    """Full exports night after night, 1 % of the rows changed: events, seconds, exact figures."""
    sys.exit(0 if _measured({"nights": lambda: _nights(dossiers, count)}) else 1)


@app.command("files")
def files_only(count: int = _FILES) -> None:
    """Very many small files: the first look, the next one, one more file, a kill half way."""
    sys.exit(0 if _measured({"files": lambda: _files(count)}) else 1)


@app.command()
def long(rounds: int = 5, as_json: Json = False) -> None:
    """Five rounds on the whole half-year, all parts, up to 10 million events, the page: hours."""
    dataset = Dataset()
    count = dataset.size()
    _contenders(count, rounds, ())
    done = _parts(dataset, count, seconds=12, rounds=rounds)
    done &= _measured(
        {"nights": lambda: _nights(_DOSSIERS, _NIGHTS), "files": lambda: _files(_FILES)}
    )
    _linear(_LINEAR)
    _end(as_json=as_json, done=done)


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


@app.command("recovery")
def recovery_only(events: int | None = None, rounds: int = 3) -> None:
    """Rebuild a store, then kill -9 rates worker and feed in mid-stream and start them again."""
    dataset = Dataset()
    _recovery(dataset, events or dataset.size(), rounds)


@app.command("rebuild")
def rebuild_only(events: int | None = None) -> None:
    """Time `lgsp rebuild`."""
    dataset = Dataset()
    _save("rebuild", rebuild.measure(dataset, events or dataset.size()))


@app.command("workers")
def workers_only(events: int | None = None) -> None:
    """Compare one rates worker with two on PostgreSQL."""
    dataset = Dataset()
    _save("workers", workers.measure(dataset, events or dataset.size()))


@app.command("endtoend")
def endtoend_only(seconds: float = _END_TO_END_SECONDS) -> None:
    """Measure from a portal's record to the feed and to the national portal."""
    _save("endtoend", endtoend.measure(seconds))


@app.command("startup")
def startup_only() -> None:
    """Time `lgsp up` to ready, by stage."""
    _save("startup", startup.measure())


@app.command("memory")
def memory_only() -> None:
    """Measure what a dossier held in memory costs."""
    _save("memory", memory.measure(Dataset()))


@app.command("stages")
def stages_only(events: int = 50_000, as_json: Json = False) -> None:
    """Time the hot path stage by stage, without Kafka."""
    rows = stages.measure(Dataset(), events)
    if as_json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(f"{row['stage']:<34}{row['cpu_us']:>8} us of CPU an event")


@app.command("folds")
def folds_only(events: int = 200_000, rounds: int = 3, as_json: Json = False) -> None:
    """Compare the plain fold with the numpy one, without Kafka: by reading and size of batches."""
    rows = folds.measure(events, rounds)
    save("folds", rows)
    if as_json:
        print(json.dumps(rows))
    else:
        for row in rows:
            cpu = row["cpu_us"]
            print(
                f"{row['way']:<44}{cpu['min']:>7} min{cpu['median']:>8} median, us of CPU an event"
            )


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


def _parts(dataset: Dataset, events: int, *, seconds: float, rounds: int) -> bool:
    """Measure the rest; tell whether no part failed."""
    return _measured(
        {
            "latency": lambda: save("latency", latency.measure(dataset, seconds, max(3, rounds))),
            "memory": lambda: _save("memory", memory.measure(dataset)),
            "recovery": lambda: _recovery(dataset, events, rounds),
            "workers": lambda: _save("workers", workers.measure(dataset, events)),
            "endtoend": lambda: _save("endtoend", endtoend.measure(_END_TO_END_SECONDS)),
            "startup": lambda: _save("startup", startup.measure()),
        }
    )


def _measured(parts: Mapping[str, Callable[[], object]]) -> bool:
    """Measure one part after another; one that fails is said and left out.

    Returns:
        Whether none failed.
    """
    failed = False
    for name, measure in parts.items():
        try:
            measure()
        except (MeasurementError, ContenderError, LgspError) as error:
            failed = True
            print(f"bench: {name}: not measured: {error}", file=sys.stderr, flush=True)
    return not failed


def _nights(dossiers: int, nights: int) -> None:
    with portal_files.office() as place:
        _save("nights", portal_files.measure_nights(place, dossiers, nights))


def _files(files: int) -> None:
    with portal_files.office() as place:
        _save("files", portal_files.measure_files(place, files))


def _recovery(dataset: Dataset, events: int, rounds: int) -> None:
    rebuilt, recovered = recovery.measure(dataset, events, rounds)
    _save("rebuild", rebuilt)
    _save("recovery", recovered)


def _save(name: str, document: Any) -> None:
    save(name, document)
    print(f"bench: {name}: {json.dumps(document)}", file=sys.stderr, flush=True)


def _linear(counts: Sequence[int]) -> None:
    """Run three contenders over each number of events; their figures must agree."""
    rows: list[dict[str, Any]] = []
    names = ("raw", "ours", "kafka-streams")
    for count in counts:
        found = compare(Dataset(), count, 1, names, verify=False, saved="")
        if len({row["digest"] for row in found if row["digest"]}) > 1:
            found = [row | {"void": "the figures differ"} for row in found]
        rows += found
        save("linear", rows)


def _end(*, as_json: bool, page: bool = True, done: bool = True) -> None:
    if page:
        report.write()
    found = report.load()
    rows = found["results"]
    if as_json:
        print(json.dumps(rows))
    else:
        print(report.goals_block(found))
        print(report.contenders_block(rows))
    sys.exit(0 if done and not any(row["void"] for row in rows) else 1)


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
        "cores": "a contender on one, the broker on the other ones"
        if are_bound()
        else "shared by contender and broker",
        "load average before": _load(),
        "Apache Kafka": f"{kafka_version()} (one node); Kafka Streams 4.3.1",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
    }


def _load() -> str:
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    app()
