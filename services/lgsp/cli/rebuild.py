"""`lgsp rebuild`: replay the log into an empty store and prove that it is the same."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.cli.output import emit, table
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.batch import Batch
from lgsp.runtime.bulk_read import read_batches
from lgsp.runtime.calendar import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.collector import collect_young_only
from lgsp.runtime.kafka import begin_offsets, end_offsets
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.record import Reject
from lgsp.runtime.settings import Settings, load_settings
from lgsp.runtime.topics import DOSSIER_EVENTS
from lgsp.store.checkpoints import background_checkpoints
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
    collect_young_only()
    starts = begin_offsets(settings.bootstrap, DOSSIER_EVENTS)
    if any(starts.values()):
        raise FatalError(f"{DOSSIER_EVENTS} no longer starts at offset 0: {starts}")
    engine = open_store(into)
    if digest(engine).dossiers:
        raise ConfigurationError(f"--into {into}: the store is not empty")
    rejects: list[Reject] = []
    calendar = load_calendar(settings.calendar_file)
    fold = make_fold(settings, engine, DOSSIER_EVENTS, calendar, now_ms, rejects.extend)
    ends = end_offsets(settings.bootstrap, DOSSIER_EVENTS)
    for partition in ends:
        fold.open_partition(partition)
    columns = (TextColumn("replaying"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("replay", total=sum(ends.values()))
        batches = read_batches(settings.bootstrap, DOSSIER_EVENTS, ends, most_events(settings))
        with background_checkpoints(engine, lambda: True):
            done = asyncio.run(_fold_all(fold, batches, partial(bar.update, task)))
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


async def _fold_all(fold: Fold, batches: AsyncIterator[Batch], show: Callable[..., None]) -> int:
    """Fold each batch in a thread while the next one is read; return how many events came."""
    done = 0
    batch = await anext(batches, None)
    while batch:
        following, _ = await asyncio.gather(
            anext(batches, None), asyncio.to_thread(fold.fold, [batch])
        )
        done += len(batch.records)
        show(completed=done)
        batch = following
    return done
