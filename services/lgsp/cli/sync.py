"""`lgsp sync`: the queue to the national portal, and setting parked dossiers going."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import Connection

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import show_instant
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit, list_table, local_time, table
from lgsp.store.engine import open_existing
from lgsp.store.sync.listing import list_stopped, redrive, summarise
from lgsp.store.sync.tables import TABLES

_COLUMNS = ("dossier", "state", "cause", "attempts", "since")


def register(app: typer.Typer) -> None:
    """Add `lgsp sync status|parked|redrive`."""
    sync = typer.Typer(help="The queue to the national portal.", no_args_is_help=True)
    app.add_typer(sync, name="sync")

    @sync.command("status")
    def status(data: Data = None, json: Json = False) -> None:
        """Dossiers by their state in the queue, and why the stopped ones stand."""
        with _queue(data) as connection:
            summary = summarise(connection, clean=True)
        oldest = summary.oldest_pending
        age = None if oldest is None else round((now_ms() - oldest) / 1000, 1)
        document = {**summary.states, "oldest_pending_seconds": age}
        emit(
            {**document, "reasons": summary.reasons},
            as_json=json,
            render=lambda: table("Sync queue", {**document, **summary.reasons}),
        )

    @sync.command("parked")
    def parked(
        limit: Annotated[int, typer.Option(help="Most dossiers to show.", min=1, max=MOST)] = 100,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Held and parked dossiers with their cause."""
        with _queue(data) as connection:
            stopped = list_stopped(connection, limit)
        document = {"lanes": [_document(dossier) for dossier in stopped]}
        emit(document, as_json=json, render=lambda: _stopped_table(stopped))

    @sync.command("redrive")
    def redrive_stopped(
        codes: Annotated[list[str] | None, typer.Argument(help="Dossiers; none: all.")] = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Try held and parked dossiers again, with a fresh budget."""
        with _queue(data, write=True) as connection:
            wanted = set(codes or ())
            count = redrive(connection, now_ms(), wanted)
            if count < len(wanted):
                raise ConfigurationError(
                    f"{len(wanted) - count} of {len(wanted)} dossiers do not stand in the queue as"
                    " held or parked, and nothing was changed; `lgsp sync parked` lists those"
                    " that do"
                )
        document = {"redriven": count}
        emit(document, as_json=json, render=lambda: table("Sync queue", document))


@contextmanager
def _queue(data: Path | None, *, write: bool = False) -> Iterator[Connection]:
    settings = begin("sync", data)
    engine = open_existing(settings.sync_store, TABLES, read_only=not write)
    try:
        with engine.begin() if write else engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _document(dossier: dict[str, Any]) -> dict[str, Any]:
    times = ("pending_since", "updated_at")
    return dossier | {name: show_instant(dossier[name]) for name in times}


def _stopped_table(stopped: list[dict[str, Any]]) -> Table:
    rows = [
        (
            dossier["code"],
            dossier["lane"],
            dossier["reason"],
            str(dossier["attempts"]),
            local_time(dossier["pending_since"]),
        )
        for dossier in stopped
    ]
    return list_table("Stopped dossiers", _COLUMNS, rows, codes=["dossier"])
