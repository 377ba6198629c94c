"""`lgsp sync status|pending|parked`: the queue to the national portal."""

from typing import Annotated, Any

import typer
from rich.table import Table

from lgsp.cli import sync_orders
from lgsp.cli.sync_orders import queue
from lgsp.domain.period import show_instant
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import MOST, Data, Json
from lgsp.runtime.commands.output import emit, list_table, local_time, table
from lgsp.store.sync.listing import (
    list_pending,
    list_stopped,
    summarise,
)

_PARKED_COLUMNS = ("dossier", "state", "cause", "attempts", "since")
_PENDING_COLUMNS = ("dossier", "cause", "attempts", "since", "next try")

_Limit = Annotated[int, typer.Option(help="Most dossiers to show.", min=1, max=MOST)]


def register(app: typer.Typer) -> None:
    """Add `lgsp sync status|pending|parked|redrive|resend|arrived|hold|release`."""
    sync = typer.Typer(help="The queue to the national portal.", no_args_is_help=True)
    app.add_typer(sync, name="sync")

    @sync.command("status")
    def status(data: Data = None, json: Json = False) -> None:
        """Dossiers by their state in the queue, and why the stopped ones stand.

        `waiting` of the pending ones fail while the portal works.
        """
        with queue(data) as (_, connection):
            summary = summarise(connection, clean=True)
        oldest = summary.oldest_pending
        age = None if oldest is None else round((now_ms() - oldest) / 1000, 1)
        document = {
            **summary.states,
            "waiting": summary.waiting,
            "oldest_pending_seconds": age,
        }
        emit(
            {**document, "reasons": summary.reasons},
            as_json=json,
            render=lambda: table("Sync queue", {**document, **summary.reasons}),
        )

    @sync.command("pending")
    def pending(limit: _Limit = 100, data: Data = None, json: Json = False) -> None:
        """Dossiers to be sent: why the last attempt failed, and when the next one is due."""
        with queue(data) as (_, connection):
            count = summarise(connection).states["pending"]
            found = list_pending(connection, limit)
        document = {"count": count, "pending": [_pending(dossier) for dossier in found]}
        emit(document, as_json=json, render=lambda: _pending_table(found))

    @sync.command("parked")
    def parked(limit: _Limit = 100, data: Data = None, json: Json = False) -> None:
        """Dossiers in doubt, held and parked with their cause."""
        with queue(data) as (_, connection):
            stopped = list_stopped(connection, limit)
        document = {"lanes": [_document(dossier) for dossier in stopped]}
        emit(document, as_json=json, render=lambda: _stopped_table(stopped))

    sync_orders.register(sync)


def _document(dossier: dict[str, Any]) -> dict[str, Any]:
    times = ("pending_since", "updated_at", "failing_since", "next_attempt_at")
    return dossier | {name: show_instant(dossier[name]) for name in times if name in dossier}


def _pending(dossier: dict[str, Any]) -> dict[str, Any]:
    age = round((now_ms() - dossier["pending_since"]) / 1000, 1)
    return _document(dossier) | {"age_seconds": age}


def _pending_table(found: list[dict[str, Any]]) -> Table:
    rows = [
        (
            dossier["code"],
            dossier["reason"],
            str(dossier["attempts"]),
            local_time(dossier["pending_since"]),
            local_time(dossier["next_attempt_at"]),
        )
        for dossier in found
    ]
    return list_table("Pending dossiers", _PENDING_COLUMNS, rows, codes=["dossier"])


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
    return list_table("Stopped dossiers", _PARKED_COLUMNS, rows, codes=["dossier"])
