"""`lgsp rebuild`: fold the log into an empty store and prove that it is the same."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from lgsp.cli.stores.rebuild_share import fold_shares, shares
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.client import begin_offsets, end_offsets
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import file_of, url_of
from lgsp.store.copies import whole_or_nothing
from lgsp.store.engine import hide_password, open_existing, open_store, snapshot
from lgsp.store.identity import bind_log, check_ends, check_log
from lgsp.store.offsets import count_behind, stored_offsets
from lgsp.store.rates.counted_by import check_counted_by, claim, counted_by
from lgsp.store.rates.digest import digest, digest_in
from lgsp.store.rates.fold import LANE
from lgsp.store.rates.folds import make_fold
from lgsp.store.tables import TABLES

_SQLITE_JOBS = 2  # one writer at a time, and writing is two fifths of the work


def register(app: typer.Typer) -> None:
    """Add `lgsp rebuild`."""

    @app.command("rebuild")
    def rebuild(
        into: Annotated[
            str, typer.Option(help="SQLAlchemy URL of an empty store, e.g. sqlite:///new.db.")
        ],
        compare: Annotated[
            bool,
            typer.Option(help="Fold as far as the live store has counted, and compare the two."),
        ] = True,
        jobs: Annotated[
            int | None,
            typer.Option(
                min=1, max=1024, help="Processes (default: one a core; SQLite: at most 2)."
            ),
        ] = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Fold `dossier-events` into an empty store; exit 1 when its digest differs."""
        settings = begin("rebuild", data)
        profile = profile_named(settings.profile)
        live = open_existing(settings.rates_store, TABLES) if compare else None
        if live is not None:
            with live.connect() as connection:
                check_counted_by(connection, profile)  # said before the work, not after it
        need_broker(settings)
        with _filled(into) as url:
            if live is None:
                report = rebuild_store(settings, url, jobs)
            else:
                report = rebuild_beside(live, profile, settings, url, jobs)
                live.dispose()
        emit(report, as_json=json, render=lambda: table("Rebuilt from the log", report))
        raise typer.Exit(0 if report.get("equal", True) else 1)


@contextmanager
def _filled(into: str) -> Iterator[str]:
    """Give the URL of the store to fill: a new file gets its name when it is whole."""
    file = file_of(into)
    if not into.startswith("sqlite:///") or file.exists():
        yield into
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_or_nothing(file) as part:
        yield url_of(part)


def rebuild_beside(
    live: Engine, profile: Profile, settings: Settings, into: str, jobs: int | None = None
) -> dict[str, object]:
    """Fold the log as far as the live store has counted it, and compare; return what came of it.

    Connectors and workers may go on: compared is the live store as it stood at the beginning.
    `left` counts the records behind it; a worker on the new store goes on with them.

    Raises:
        ConfigurationError, FatalError: as `rebuild_store`; or the live store has counted another
            log, or more of it than there is.
    """
    log = read_log(settings.bootstrap, settings.events_topic)
    with snapshot(live) as connection:
        check_log(connection, LANE, log, settings.bootstrap)
        if counted_by(connection) is None:
            url = hide_password(live.url)
            raise ConfigurationError(f"the store {url} has counted nothing yet: --no-compare")
        sha256 = digest_in(connection, profile.measures).sha256
        counted = stored_offsets(connection, LANE, settings.events_topic)
    ends = end_offsets(settings.bootstrap, settings.events_topic)
    check_ends(counted, ends, settings.events_topic, settings.bootstrap)
    report = rebuild_store(settings, into, jobs, counted)
    equal = sha256 == report["sha256"]
    return {**report, "left": count_behind(ends, counted), "live_sha256": sha256, "equal": equal}


def rebuild_store(
    settings: Settings, into: str, jobs: int | None = None, ends: Mapping[int, int] | None = None
) -> dict[str, object]:
    """Fold the log into the empty store at `into`; return what came of it.

    Args:
        settings: broker, profile, calendar, size of batches.
        into: SQLAlchemy URL of the empty store.
        jobs: processes that share the partitions; None: what the machine and the store can use.
        ends: offset of each partition to stop before; None: the log as it stands now.

    Raises:
        ConfigurationError: the store is not empty, or the calendar is wrong.
        FatalError: the log no longer starts at its beginning, or a process failed.
    """
    began = time.monotonic()
    calendar = load_calendar(settings.calendar_file)  # first: one message for what is wrong there
    log = read_log(settings.bootstrap, settings.events_topic)
    starts = begin_offsets(settings.bootstrap, settings.events_topic)
    if any(starts.values()):
        raise FatalError(f"{settings.events_topic} no longer starts at offset 0: {starts}")
    profile = profile_named(settings.profile)
    engine = open_store(into, named="--into")
    claim(engine, profile)
    if digest(engine, profile.measures).dossiers:
        raise ConfigurationError(
            f"--into {hide_password(into)}: the store is not empty: name another one, or empty it"
            " (a rebuild that was stopped leaves a part in PostgreSQL)"
        )
    with engine.begin() as connection:
        bind_log(connection, LANE, log, settings.bootstrap)
    if ends is None:
        ends = end_offsets(settings.bootstrap, settings.events_topic)
    dealt = shares(ends, _useful_jobs(engine, jobs))
    engine.dispose()  # neither connections nor threads may pass into the processes
    columns = (TextColumn("rebuilding"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), auto_refresh=False
    ) as bar:
        task = bar.add_task("rebuild", total=sum(ends.values()))
        done = fold_shares(
            settings, into, dealt, lambda n: bar.update(task, completed=n, refresh=True)
        )
    fold = make_fold(
        settings, engine, profile, settings.events_topic, calendar, now_ms, lambda _: None
    )
    for partition in ends:
        fold.open_partition(partition)
    while fold.wake():
        pass
    with engine.connect() as connection:  # not another one meanwhile
        check_log(
            connection,
            LANE,
            read_log(settings.bootstrap, settings.events_topic),
            settings.bootstrap,
        )
    found = digest(engine, profile.measures)
    engine.dispose()
    return {
        **done._asdict(),
        **found._asdict(),
        "processes": len(dealt),
        "seconds": round(time.monotonic() - began, 1),
    }


def _useful_jobs(engine: Engine, wanted: int | None) -> int:
    jobs = wanted or len(os.sched_getaffinity(0))
    return min(jobs, _SQLITE_JOBS) if engine.dialect.name == "sqlite" else jobs
