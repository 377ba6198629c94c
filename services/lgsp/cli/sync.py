"""`lgsp sync`: the queue to the national portal, and setting dossiers going again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import Connection

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import show_instant
from lgsp.national.acknowledged import doubted_are_lost, doubted_arrived
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit, list_table, local_time, table
from lgsp.store.engine import open_existing
from lgsp.store.sync.listing import (
    change_acknowledged,
    list_pending,
    list_stopped,
    redrive,
    redrive_stopped,
    summarise,
)
from lgsp.store.sync.tables import TABLES

_PARKED_COLUMNS = ("dossier", "state", "cause", "attempts", "since")
_PENDING_COLUMNS = ("dossier", "cause", "attempts", "since", "next try")
_NAMED = 5  # codes in a message

_InDoubt = Annotated[list[str], typer.Argument(help="Dossiers in doubt.")]
_Limit = Annotated[int, typer.Option(help="Most dossiers to show.", min=1, max=MOST)]


def register(app: typer.Typer) -> None:
    """Add `lgsp sync status|pending|parked|redrive|resend|arrived`."""
    sync = typer.Typer(help="The queue to the national portal.", no_args_is_help=True)
    app.add_typer(sync, name="sync")

    @sync.command("status")
    def status(data: Data = None, json: Json = False) -> None:
        """Dossiers by their state in the queue, and why the stopped ones stand.

        `waiting` of the pending ones fail while the portal works.
        """
        with _queue(data) as connection:
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
        with _queue(data) as connection:
            count = summarise(connection).states["pending"]
            found = list_pending(connection, limit)
        document = {"count": count, "pending": [_pending(dossier) for dossier in found]}
        emit(document, as_json=json, render=lambda: _pending_table(found))

    @sync.command("parked")
    def parked(limit: _Limit = 100, data: Data = None, json: Json = False) -> None:
        """Dossiers in doubt, held and parked with their cause."""
        with _queue(data) as connection:
            stopped = list_stopped(connection, limit)
        document = {"lanes": [_document(dossier) for dossier in stopped]}
        emit(document, as_json=json, render=lambda: _stopped_table(stopped))

    @sync.command("redrive")
    def redrive_again(
        codes: Annotated[
            list[str] | None, typer.Argument(help="Dossiers; none: all that are held or parked.")
        ] = None,
        cause: Annotated[
            str, typer.Option(help="Of all only those whose cause contains this text.")
        ] = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Try dossiers again, with a fresh budget: those named, or all that are held or parked.

        A named one may stand in any state: the portal is asked what it holds, and is mended.
        """
        if codes and cause:
            raise ConfigurationError("name dossiers or --cause TEXT, not both")
        with _queue(data, write=True) as connection:
            if codes:
                _refuse_unknown(redrive(connection, now_ms(), codes), codes)
                count = len(set(codes))
            else:
                count = redrive_stopped(connection, now_ms(), cause)
        document = {"redriven": count}
        emit(document, as_json=json, render=lambda: table("Sync queue", document))

    @sync.command("resend")
    def resend(codes: _InDoubt, data: Data = None, json: Json = False) -> None:
        """Send the steps in doubt again: somebody has seen that the portal lacks them."""
        _end_doubt(codes, doubted_are_lost, "resent", data, as_json=json)

    @sync.command("arrived")
    def arrived(codes: _InDoubt, data: Data = None, json: Json = False) -> None:
        """Count the steps in doubt as there: somebody has seen them at the portal."""
        _end_doubt(codes, doubted_arrived, "arrived", data, as_json=json)


def _end_doubt(
    codes: list[str],
    change: Callable[[bytes | None], bytes],
    name: str,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    with _queue(data, write=True) as connection:
        _refuse_unknown(change_acknowledged(connection, now_ms(), codes, change), codes)
    document = {name: len(set(codes))}
    emit(document, as_json=as_json, render=lambda: table("Sync queue", document))


def _refuse_unknown(unknown: list[str], codes: list[str]) -> None:
    if unknown:
        named = ", ".join(unknown[:_NAMED]) + (", …" if len(unknown) > _NAMED else "")
        raise ConfigurationError(
            f"{len(unknown)} of {len(set(codes))} dossiers are not in the queue, and"
            f" nothing was changed: {named}"
        )


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
