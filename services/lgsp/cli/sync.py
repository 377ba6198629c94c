"""`lgsp sync`: the queue to the national portal, and setting parked dossiers going."""

import time
from typing import Annotated, Any

import typer
from rich.table import Table

from lgsp.cli.output import emit, table
from lgsp.runtime.clock import now_ms
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import list_stopped, redrive, summarise

_JSON = typer.Option("--json", help="One JSON document.")


def register(app: typer.Typer) -> None:
    """Add `lgsp sync status|parked|redrive`."""
    sync = typer.Typer(help="The queue to the national portal.", no_args_is_help=True)
    app.add_typer(sync, name="sync")

    @sync.command("status")
    def status(json: Annotated[bool, _JSON] = False) -> None:
        """Dossiers by their state in the queue, and why the stopped ones stand."""
        settings = load_settings()
        configure_logs(settings, service="sync")
        engine = open_store(settings.sync_store)
        with engine.connect() as connection:
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
        limit: Annotated[int, typer.Option(help="Most dossiers to show.", min=1)] = 100,
        json: Annotated[bool, _JSON] = False,
    ) -> None:
        """Held and parked dossiers with their cause."""
        settings = load_settings()
        configure_logs(settings, service="sync")
        engine = open_store(settings.sync_store)
        with engine.connect() as connection:
            stopped = list_stopped(connection, limit)
        emit({"lanes": stopped}, as_json=json, render=lambda: _stopped_table(stopped))

    @sync.command("redrive")
    def redrive_stopped(
        codes: Annotated[list[str] | None, typer.Argument(help="Dossiers; none: all.")] = None,
        json: Annotated[bool, _JSON] = False,
    ) -> None:
        """Try held and parked dossiers again, with a fresh budget."""
        settings = load_settings()
        configure_logs(settings, service="sync")
        engine = open_store(settings.sync_store)
        with engine.begin() as connection:
            count = redrive(connection, now_ms(), codes or ())
        document = {"redriven": count}
        emit(document, as_json=json, render=lambda: table("Sync queue", document))


def _stopped_table(stopped: list[dict[str, Any]]) -> Table:
    grid = Table("dossier", "state", "cause", "attempts", "since", title="Stopped dossiers")
    for dossier in stopped:
        since = time.strftime(
            "%Y-%m-%d %H:%M", time.gmtime(dossier["pending_since"] / 1000 + 7 * 3600)
        )
        grid.add_row(
            dossier["code"], dossier["lane"], dossier["reason"], str(dossier["attempts"]), since
        )
    return grid
