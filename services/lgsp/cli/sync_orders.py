"""`lgsp sync redrive|resend|arrived|hold|release`: orders of a person, kept as evidence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from lgsp.cli.evidence.common import By, Why
from lgsp.cli.evidence.orders import keep_orders
from lgsp.delivery.evidence.recorder import system_user
from lgsp.domain.errors import ConfigurationError
from lgsp.national.acknowledged import doubted_are_lost, doubted_arrived
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.logs import mask
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_existing
from lgsp.store.sync.held import held_by_hand, hold, release
from lgsp.store.sync.listing import change_acknowledged, redrive, redrive_stopped
from lgsp.store.sync.tables import TABLES

_NAMED = 5  # codes in a message

_InDoubt = Annotated[list[str], typer.Argument(help="Dossiers in doubt.")]
_Codes = Annotated[list[str], typer.Argument(help="Dossiers.")]
_Reason = Annotated[str, typer.Option("--why", help="The reason; it stands in the evidence.")]


def register(sync: typer.Typer) -> None:
    """Add the commands."""

    @sync.command("redrive")
    def redrive_again(
        codes: Annotated[
            list[str] | None, typer.Argument(help="Dossiers; none: all that are held or parked.")
        ] = None,
        cause: Annotated[
            str, typer.Option(help="Of all only those whose cause contains this text.")
        ] = "",
        why: _Reason = "",
        by: By = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Try dossiers again, with a fresh budget: those named, or all that are held or parked.

        A named one may stand in any state: the portal is asked what it holds, and is mended.
        """
        if codes and cause:
            raise ConfigurationError("name dossiers or --cause TEXT, not both")
        with queue(data, write=True) as (settings, connection):
            if codes:
                _refuse_held(connection, codes)
                _refuse_unknown(redrive(connection, now_ms(), codes), codes)
            else:
                codes = redrive_stopped(connection, now_ms(), cause)
            keep_orders(settings, connection, "redrive", codes, by, why)
        document = {"redriven": len(set(codes))}
        emit(document, as_json=json, render=lambda: table("Sync queue", document))

    @sync.command("resend")
    def resend(
        codes: _InDoubt,
        why: _Reason = "",
        by: By = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Send the steps in doubt again: somebody has seen that the portal lacks them."""
        _end_doubt(codes, doubted_are_lost, "resend", by, why, data)
        _show("resent", codes, as_json=json)

    @sync.command("arrived")
    def arrived(
        codes: _InDoubt,
        why: _Reason = "",
        by: By = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Count the steps in doubt as there: somebody has seen them at the portal."""
        _end_doubt(codes, doubted_arrived, "arrived", by, why, data)
        _show("arrived", codes, as_json=json)

    @sync.command("hold")
    def hold_back(
        codes: _Codes, why: Why, by: By = "", data: Data = None, json: Json = False
    ) -> None:
        """Send nothing of these dossiers, whatever their source says, until they are released.

        A push that is under way ends.
        """
        if not why.strip():
            raise ConfigurationError("--why: say the reason; it stands in the evidence")
        with queue(data, write=True) as (settings, connection):
            reason = f"{mask(why)} ({by or system_user()})"
            _refuse_unknown(hold(connection, now_ms(), codes, reason), codes)
            keep_orders(settings, connection, "hold", codes, by, why)
        _show("held", codes, as_json=json)

    @sync.command("release")
    def release_again(
        codes: _Codes, why: _Reason = "", by: By = "", data: Data = None, json: Json = False
    ) -> None:
        """Set dossiers going that were held by hand; the portal is asked first what it holds."""
        with queue(data, write=True) as (settings, connection):
            if free := release(connection, now_ms(), codes):
                raise ConfigurationError(
                    f"{_named(free)}: not held by hand, and nothing was changed; `lgsp sync"
                    " parked` lists what is, `lgsp sync redrive` sets others going"
                )
            keep_orders(settings, connection, "release", codes, by, why)
        _show("released", codes, as_json=json)


def _end_doubt(
    codes: list[str],
    change: Callable[[bytes | None], bytes],
    name: str,
    by: str,
    why: str,
    data: Path | None,
) -> None:
    with queue(data, write=True) as (settings, connection):
        _refuse_held(connection, codes)
        _refuse_unknown(change_acknowledged(connection, now_ms(), codes, change), codes)
        keep_orders(settings, connection, name, codes, by, why)


def _show(name: str, codes: list[str], *, as_json: bool) -> None:
    document = {name: len(set(codes))}
    emit(document, as_json=as_json, render=lambda: table("Sync queue", document))


def _refuse_held(connection: Connection, codes: list[str]) -> None:
    if held := held_by_hand(connection, codes):
        raise ConfigurationError(
            f"{_named(held)}: held by hand, and nothing was changed: `lgsp sync release` first"
        )


def _refuse_unknown(unknown: list[str], codes: list[str]) -> None:
    if unknown:
        raise ConfigurationError(
            f"{len(unknown)} of {len(set(codes))} dossiers are not in the queue, and"
            f" nothing was changed: {_named(unknown)}"
        )


def _named(codes: list[str]) -> str:
    return ", ".join(codes[:_NAMED]) + (", …" if len(codes) > _NAMED else "")


@contextmanager
def queue(data: Path | None, *, write: bool = False) -> Iterator[tuple[Settings, Connection]]:
    """Open the queue; what is written is committed at the end."""
    settings = begin("sync", data)
    engine = open_existing(settings.sync_store, TABLES, read_only=not write)
    try:
        with engine.begin() if write else engine.connect() as connection:
            yield settings, connection
    finally:
        engine.dispose()
