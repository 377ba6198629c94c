"""`lgsp upgrade`: stores of another version's layout made anew beside, proved and put in place."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import typer
from sqlalchemy import Engine, Table

from lgsp.cli.evidence.copies import move_evidence_on
from lgsp.cli.stores.backup import STORES, stores_of
from lgsp.cli.stores.upgrade_stores import upgraded_rates, upgraded_sync
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.log_identity import LogIdentity, read_log
from lgsp.runtime.kafka.succession import goes_on_after, read_successions
from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import url_of
from lgsp.store.copies import alone, check_whole, digest_of, part_of, put_in_place
from lgsp.store.engine import open_existing, open_store
from lgsp.store.identity import counted_log
from lgsp.store.rates.counted_by import check_counted_by, counted_name
from lgsp.store.rates.dossiers import check_layout
from lgsp.store.refusal import refusal
from lgsp.store.sync.tables import QUEUE
from lgsp.store.tables import DOSSIERS

_DOSSIERS: dict[str, Table] = {"rates.db": DOSSIERS, "sync.db": QUEUE}
"""Where a store keeps dossiers as bytes."""


@dataclass(frozen=True, kw_only=True)
class Old:
    """A store that is to be made anew: its name, file, why, and whether it can be read."""

    name: str
    file: Path
    reason: str
    readable: bool


def register(app: typer.Typer) -> None:
    """Add `lgsp upgrade`."""

    @app.command("upgrade")
    def upgrade(data: Data = None, json: Json = False) -> None:
        """Make stores of another version's layout anew from the log; keep the old files.

        Stop workers and feed first; the broker must run, and connectors may. What the national
        portal has acknowledged is taken over. Where all is of this version, nothing is done.
        """
        report = upgrade_stores(begin("upgrade", data))
        emit(report, as_json=json, render=lambda: table("Stores", report))


def upgrade_stores(settings: Settings) -> dict[str, object]:
    """Make anew what is of another layout, or refused; return what was done.

    Raises:
        ConfigurationError: there is no store, it is PostgreSQL, in use, counted by another
            profile or of another log.
        FatalError: the new store is not what the log says; the old one stands as it stood.
        RetryableError: no broker answers.
    """
    moved = move_evidence_on(settings)
    if not settings.rates_store.startswith("sqlite:"):
        raise ConfigurationError(
            "the store is PostgreSQL: make an empty database, fill it with `lgsp rebuild"
            " --no-compare --into URL`, take the evidence over (`pg_dump --table='evidence_*' OLD"
            " | psql NEW`), set LGSP_STORE to it and start the workers; the national sync looks up"
            " what the portal has before it sends"
        )
    stores = _stores(settings)
    log = read_log(need_broker(settings).bootstrap, settings.events_topic)
    looked_at = [_old(settings, log, name, file) for name, file in stores]
    old = [found for found in looked_at if found is not None]
    done: dict[str, object] = {"upgraded": {each.name: each.reason for each in old}, "kept": []}
    if moved:
        done["evidence"] = moved
    if not old:
        return done
    before: dict[str, str] = {}
    with ExitStack() as opened:
        parts = {each.name: opened.enter_context(part_of(each.file)) for each in old}
        for each in old:
            with alone(each.file):
                pass
            before[each.name] = digest_of(each.file)  # not inside: closing a file drops its locks
            new = url_of(parts[each.name])
            if each.name == "rates.db":
                done["rates"] = upgraded_rates(settings, new)
            else:
                with _readable(each) as engine:
                    done["sync"] = upgraded_sync(settings, engine, new)
            check_whole(parts[each.name])
        for each in old:
            if digest_of(each.file) != before[each.name]:
                raise FatalError(f"{each.file} was written while it was upgraded: try again")
        for each in old:
            opened.enter_context(alone(each.file))
        kept = [put_in_place(parts[e.name], e.file, f"before-{version('mini-lgsp')}") for e in old]
    return {**done, "kept": [str(path) for path in kept if path]}


def _stores(settings: Settings) -> list[tuple[str, Path]]:
    live = stores_of(settings)
    if len(live) == 1:
        raise ConfigurationError(
            "LGSP_STORE names one SQLite file for both processors: leave it out, so that each has"
            " its own under LGSP_DATA"
        )
    files = [(name, file) for name, file in live.items() if file.is_file()]
    if not files:
        for name, file in live.items():
            open_existing(url_of(file), STORES[name][1])  # says that there is none
    return files


def _old(settings: Settings, log: LogIdentity, name: str, file: Path) -> Old | None:
    """Return the store when it is to be made anew; None when it is of this version and whole."""
    if reason := refusal(file):
        return Old(name=name, file=file, reason=reason, readable=False)
    profile = profile_named(settings.profile)
    try:
        engine = open_existing(url_of(file), STORES[name][1])
    except ConfigurationError as error:
        readable = "is no store" not in str(error)
        return Old(name=name, file=file, reason=str(error), readable=readable)
    try:
        with engine.connect() as connection:
            try:
                check_layout(connection, _DOSSIERS[name])
                if name == "rates.db":
                    check_counted_by(connection, profile)
            except ConfigurationError as error:
                if name == "rates.db" and counted_name(connection) not in {None, profile.name}:
                    raise
                return Old(name=name, file=file, reason=str(error), readable=True)
            counted = counted_log(connection, STORES[name][0])
    finally:
        engine.dispose()
    if counted is None or not log.is_another_than(counted):
        return None
    if not goes_on_after(read_successions(settings.bootstrap), log, counted):
        return None  # another log: no new layout, and its worker says what to do
    reason = f"the store {file} has counted {counted}, and {log} goes on after it"
    return Old(name=name, file=file, reason=reason, readable=True)


@contextmanager
def _readable(old: Old) -> Iterator[Engine | None]:
    engine = open_store(url_of(old.file), read_only=True) if old.readable else None
    try:
        yield engine
    finally:
        if engine is not None:
            engine.dispose()
