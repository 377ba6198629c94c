"""`lgsp rebuild`: replay the log into an empty store and prove that it is the same."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.cli.output import emit, table
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.calendar import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka import KafkaRecord, begin_offsets, end_offsets, read_topic
from lgsp.runtime.lane import Batch
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.record import Reject
from lgsp.runtime.settings import Settings, load_settings
from lgsp.runtime.topics import DOSSIER_EVENTS
from lgsp.store.digest import digest
from lgsp.store.engine import open_store
from lgsp.store.folds import Fold, make_fold, most_events


def register(app: typer.Typer) -> None:
    """Add `lgsp rebuild`."""

    @app.command("rebuild")
    def rebuild(
        into: Annotated[
            str, typer.Option(help="SQLAlchemy URL of an empty store, e.g. sqlite:///new.db.")
        ],
        compare: Annotated[
            bool, typer.Option(help="Compare with the live store's digest.")
        ] = True,
        json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Replay `dossier-events` into an empty store; exit 1 when its digest differs."""
        settings = load_settings()
        configure_logs(settings, service="rebuild")
        report = replay(settings, into)
        if compare:
            live = open_store(settings.rates_store, read_only=True)
            report["live_sha256"] = digest(live).sha256
            live.dispose()
            report["equal"] = report["live_sha256"] == report["sha256"]
        emit(report, as_json=json, render=lambda: table("Rebuilt from the log", report))
        raise typer.Exit(0 if report.get("equal", True) else 1)


def replay(settings: Settings, into: str) -> dict[str, object]:
    """Replay the log as it stands now into the empty store at `into`; return what came of it.

    Raises:
        ConfigurationError: the store is not empty.
        FatalError: the log no longer starts at its beginning.
    """
    began = time.monotonic()
    starts = begin_offsets(settings.bootstrap, DOSSIER_EVENTS)
    if any(starts.values()):
        raise FatalError(f"{DOSSIER_EVENTS} no longer starts at offset 0: {starts}")
    engine = open_store(into)
    if digest(engine).dossiers:
        raise ConfigurationError(f"--into {into}: the store is not empty")
    rejects: list[Reject] = []
    calendar = load_calendar(settings.calendar_file)
    fold = make_fold(settings, engine, DOSSIER_EVENTS, calendar, now_ms, rejects.extend)
    total = sum(end_offsets(settings.bootstrap, DOSSIER_EVENTS).values())
    largest = most_events(settings)
    done = 0
    columns = (TextColumn("replaying"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("replay", total=total)
        waiting: dict[int, list[KafkaRecord]] = {}
        for record in read_topic(settings.bootstrap, DOSSIER_EVENTS):
            waiting.setdefault(record.partition, []).append(record)
            if sum(map(len, waiting.values())) >= largest:
                done += _fold(fold, waiting)
                bar.update(task, completed=done)
        done += _fold(fold, waiting)
        bar.update(task, completed=done)
    while fold.wake():
        pass
    found = digest(engine)
    engine.dispose()
    return {
        "events": done,
        "rejected": len(rejects),
        **found._asdict(),
        "seconds": round(time.monotonic() - began, 1),
    }


def _fold(fold: Fold, waiting: dict[int, list[KafkaRecord]]) -> int:
    batches = [Batch(partition, records) for partition, records in waiting.items() if records]
    for batch in batches:
        if fold.position(batch.partition) is None:
            fold.open_partition(batch.partition)
    if batches:
        fold.fold(batches)
    waiting.clear()
    return sum(len(batch.records) for batch in batches)
