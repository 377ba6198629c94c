"""What the log knows and the store does not: events not counted, sources and letters amiss."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import LgspError
from lgsp.domain.reasons import LOG_BROKEN, Finding
from lgsp.domain.trust import LogView
from lgsp.ioc.log_check import LogCheck
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.connector_status import Statuses
from lgsp.runtime.kafka.follower import Follower, Table
from lgsp.runtime.kafka.presence import Presence
from lgsp.runtime.kafka.topics import (
    CHECKPOINTS,
    CONNECTOR_STATUS,
    DEAD_LETTERS,
    DOSSIER_EVENTS,
)
from lgsp.runtime.kafka.written_ends import WrittenEnds
from lgsp.runtime.letters.counting import OpenLetterCounts
from lgsp.runtime.store_away import StoreAway
from lgsp.store.figures.sums import LANE
from lgsp.store.offsets import count_behind, stored_offsets

_EVERY = 1.0
_OLD_AFTER = 6.0
Check = Callable[[], Iterable[Finding]]


class LogSide:
    """Looks at the log every second, on a thread of its own, once `start` is called.

    Asking the broker may take long while it is away; nobody who wants a figure waits for it.

    Args:
        bootstrap: brokers to ask.
        engine: the store, opened read-only.
        checks: further looks at log and store, each second on the same thread.
        topic: the log.
        presence: is told whether the broker answers; None: nobody is.
    """

    def __init__(
        self,
        bootstrap: str,
        engine: Engine,
        checks: Sequence[Check] = (),
        topic: str = DOSSIER_EVENTS,
        presence: Presence | None = None,
    ) -> None:
        self._engine, self._checks, self._topic = engine, checks, topic
        self._presence = presence
        self._statuses, self._letters = Statuses(), OpenLetterCounts()
        self._written = WrittenEnds()
        tables: dict[str, Table] = {
            CONNECTOR_STATUS: self._statuses,
            DEAD_LETTERS: self._letters,
            CHECKPOINTS: self._written,
        }
        self._follower = Follower(bootstrap, topic, tables)
        self._log = LogCheck(bootstrap, engine, topic)
        self._view = LogView()
        self._looked = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, name="log-side", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; a look under way is left to end by itself."""
        self._stop.set()
        if self._thread is None:
            self._follower.close()

    def __call__(self) -> LogView:
        """Return what is known; the backlog is not known when the last look is some time ago."""
        view = self._view
        if time.monotonic() - self._looked < _OLD_AFTER:
            return view
        return view._replace(backlog=None)

    def look(self) -> LogView:
        """Look once and return what was found; nothing is known when that fails."""
        stored: dict[int, int] = {}

        def read_positions() -> None:
            # Before the ends: what comes in between counts as backlog, never less than is true.
            with self._engine.connect() as connection:
                stored.update(stored_offsets(connection, LANE, self._topic))

        try:
            at = now_ms()
            ends = self._follower.look(read_positions)
            self._statuses.follow()
            findings = [*self._letters.findings(), *self._statuses.findings()]
            findings += self._log() or self._log.compare(ends, stored, self._written)
            if self._presence is not None:
                self._presence.answered()
            for check in self._checks:
                findings += check()
            known = not LOG_BROKEN & {finding.reason for finding in findings}
            backlog = count_behind(ends.next, stored) if known else None
            self._view = LogView(at, backlog, tuple(self._statuses.all()), tuple(findings))
            self._looked = time.monotonic()
        except (LgspError, SQLAlchemyError, OSError) as error:
            structlog.get_logger().debug("log_not_looked_at", error=str(error))
            of_store = isinstance(error, StoreAway | SQLAlchemyError)
            if self._presence is not None and not of_store:
                self._presence.silent(str(error))
        return self()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self.look()
                except Exception as error:  # noqa: BLE001 - the figures go on, trust falls
                    structlog.get_logger().error("log_side_failed", error=repr(error))
                self._stop.wait(_EVERY)
        finally:
            self._follower.close()


def look_once(
    bootstrap: str, engine: Engine, checks: Sequence[Check] = (), topic: str = DOSSIER_EVENTS
) -> LogView:
    """Look once, for a command."""
    side = LogSide(bootstrap, engine, checks, topic)
    try:
        return side.look()
    finally:
        side.close()
