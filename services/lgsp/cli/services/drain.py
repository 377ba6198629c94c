"""`lgsp drain`: wait until everything produced so far has been counted and synced or parked."""

import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.cluster import PATIENCE
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_existing
from lgsp.store.identity import check_ends, check_log
from lgsp.store.offsets import count_behind, stored_offsets
from lgsp.store.rates.fold import LANE as RATES_LANE
from lgsp.store.sync.queue import LANE as SYNC_LANE
from lgsp.store.sync.queue import count_known, count_pending, count_waiting
from lgsp.store.sync.tables import TABLES as SYNC_TABLES
from lgsp.store.tables import TABLES as RATES_TABLES

_ASK_EVERY = 0.2


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """What has been produced but has not arrived everywhere."""

    uncounted: int  # records not folded by the rates processor
    unread: int  # records not taken over by the national sync
    unsynced: int  # dossiers to be sent to the national portal (parked ones do not count)
    waiting: int = (
        0  # dossiers that fail while the portal works: tried again for days, then parked
    )

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight; dossiers that wait are none."""
        return not (self.uncounted or self.unread or self.unsynced)

    def summary(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)


def register(app: typer.Typer) -> None:
    """Add `lgsp drain`."""

    @app.command("drain")
    def drain(
        timeout: Annotated[float, typer.Option(help="Seconds to wait.", min=0, max=MOST)] = 60,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Exit 0 when nothing is in flight, 1 when something still is after the time-out.

        Dossiers that go on failing while the portal works are counted apart, as waiting, and are
        not waited for: `lgsp sync pending` lists them.
        """
        settings = begin("drain", data)
        began = time.monotonic()
        left = wait_drained(settings, timeout)
        report: dict[str, float] = {"drained": left.empty, **left.summary()}
        report["seconds"] = round(time.monotonic() - began, 1)
        emit(report, as_json=json, render=lambda: table("In flight", report))
        raise typer.Exit(0 if left.empty else 1)


class Watch:
    """Looks at the log and both stores again and again (a context manager).

    Raises:
        ConfigurationError: a processor has not made its store here yet, or it is none of ours.
        RetryableError: no broker runs.
    """

    def __init__(self, settings: Settings, patience: float = PATIENCE) -> None:
        self._bootstrap, self._patience = settings.bootstrap, patience
        self._topic = settings.events_topic
        self._rates = open_existing(settings.rates_store, RATES_TABLES)
        try:
            self._sync = open_existing(settings.sync_store, SYNC_TABLES)
            need_broker(settings)
        except BaseException:
            self._rates.dispose()
            raise
        self.ends: dict[int, int] = {}
        self.synced = 0  # dossiers of which nothing waits for the national portal

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._rates.dispose()
        self._sync.dispose()

    @property
    def produced(self) -> int:
        """Records in the log at the last look."""
        return sum(self.ends.values())

    def look(self, *, at_log: bool = True) -> InFlight:
        """Return what is in flight of the log as it stands now (`at_log`) or at the last look.

        Raises:
            RetryableError: no broker answers.
            ConfigurationError: a store has counted another log, or more of it than there is.
        """
        if at_log:
            self._check()
        with self._rates.connect() as connection:
            counted = stored_offsets(connection, RATES_LANE, self._topic)
        with self._sync.connect() as connection:
            taken = stored_offsets(connection, SYNC_LANE, self._topic)
            pending, waiting = count_pending(connection), count_waiting(connection)
            self.synced = count_known(connection) - pending
        return InFlight(
            uncounted=count_behind(self.ends, counted),
            unread=count_behind(self.ends, taken),
            unsynced=max(0, pending - waiting),
            waiting=waiting,
        )

    def _check(self) -> None:
        """Ask where the log ends, and see that it is the one of the stores."""
        lanes = ((self._rates, RATES_LANE), (self._sync, SYNC_LANE))
        log, stored = read_log(self._bootstrap, self._topic, self._patience), []
        for engine, lane in lanes:
            with engine.connect() as connection:
                check_log(connection, lane, log, self._bootstrap)
                stored.append(stored_offsets(connection, lane, self._topic))
        self.ends = end_offsets(self._bootstrap, self._topic, self._patience)
        for positions in stored:
            check_ends(positions, self.ends, self._topic, self._bootstrap)


def wait_drained(settings: Settings, timeout: float) -> InFlight:
    """Wait until what is in the log now has been counted and synced or parked.

    Returns:
        What is still in flight after `timeout` seconds.

    Raises:
        ConfigurationError: a processor has not made its store here yet, or a store has counted
            another log.
        RetryableError: no broker answers.
    """
    deadline = time.monotonic() + timeout
    with Watch(settings, min(PATIENCE, max(1.0, timeout))) as watch:
        left = watch.look()
        while not left.empty and time.monotonic() < deadline:
            time.sleep(_ASK_EVERY)
            left = watch.look(at_log=False)
        return left
