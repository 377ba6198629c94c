"""`lgsp drain`: wait until everything produced so far has been counted and synced or parked."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from lgsp.cli.output import emit, table
from lgsp.runtime.kafka import end_offsets
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import Settings, load_settings
from lgsp.runtime.topics import DOSSIER_EVENTS
from lgsp.store.engine import open_store
from lgsp.store.fold import LANE as RATES_LANE
from lgsp.store.lanes import LANE as SYNC_LANE
from lgsp.store.lanes import count_pending
from lgsp.store.offsets import stored_offsets

_ASK_EVERY = 0.2


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """What has been produced but has not arrived everywhere."""

    uncounted: int  # records not folded by the rates processor
    unread: int  # records not taken over by the national sync
    unsynced: int  # dossiers waiting for the national portal (parked ones do not count)

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight."""
        return not (self.uncounted or self.unread or self.unsynced)

    def summary(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)


def register(app: typer.Typer) -> None:
    """Add `lgsp drain`."""

    @app.command("drain")
    def drain(
        timeout: Annotated[float, typer.Option(help="Seconds to wait.", min=0)] = 60,
        json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Exit 0 when nothing is in flight, 1 when something still is after the time-out."""
        settings = load_settings()
        configure_logs(settings, service="drain")
        began = time.monotonic()
        left = wait_drained(settings, timeout)
        report = {"drained": left.empty, **left.summary()}
        report["seconds"] = round(time.monotonic() - began, 1)
        emit(report, as_json=json, render=lambda: table("In flight", report))
        raise typer.Exit(0 if left.empty else 1)


def wait_drained(
    settings: Settings,
    timeout: float,
    progress: Callable[[InFlight], None] = lambda left: None,
) -> InFlight:
    """Wait until what is in the log now has been counted and synced or parked.

    Args:
        settings: names the broker and the stores.
        timeout: seconds.
        progress: told what is left, several times a second.

    Returns:
        What is still in flight at the end.

    Raises:
        RetryableError: no broker answers.
    """
    ends = end_offsets(settings.bootstrap, DOSSIER_EVENTS)
    rates, sync = open_store(settings.rates_store), open_store(settings.sync_store)
    deadline = time.monotonic() + timeout
    try:
        while True:
            with rates.connect() as connection:
                counted = stored_offsets(connection, RATES_LANE, DOSSIER_EVENTS)
            with sync.connect() as connection:
                taken = stored_offsets(connection, SYNC_LANE, DOSSIER_EVENTS)
                unsynced = count_pending(connection)
            left = InFlight(
                uncounted=_behind(ends, counted), unread=_behind(ends, taken), unsynced=unsynced
            )
            progress(left)
            if left.empty or time.monotonic() > deadline:
                return left
            time.sleep(_ASK_EVERY)
    finally:
        rates.dispose()
        sync.dispose()


def _behind(ends: dict[int, int], stored: dict[int, int]) -> int:
    return sum(max(0, end - stored.get(partition, 0)) for partition, end in ends.items())
