"""Whether the broker answers a process: one line a change, and the gauge `lgsp_broker_up`.

Asked on a thread of its own, so that it is known whatever the rest of the process does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from lgsp.domain.errors import LgspError, RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.kafka.ends import EndReader
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS

SILENT_AFTER = 30.0
"""Seconds without an answer after which the broker counts as away in metrics and checks."""
_EVERY = 5.0
_WHILE_AWAY = 1.0
_CLOSE_WITHIN = 2.0


class Presence:
    """Notes when the broker answered, and says when that changes; for any thread.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered_at = clock()
        self._away_since: float | None = None
        self._lock = threading.Lock()
        metrics.BROKER_UP.set_function(lambda: float(self.up))

    @property
    def up(self) -> bool:
        """Whether it has answered within the last half minute."""
        return self._clock() - self._answered_at < SILENT_AFTER

    @property
    def away(self) -> bool:
        """Whether the last question had no answer."""
        return self._away_since is not None

    def answered(self) -> None:
        """Note an answer."""
        with self._lock:
            self._answered_at = self._clock()
            since, self._away_since = self._away_since, None
        if since is not None:
            seconds = round(self._answered_at - since, 1)
            structlog.get_logger().info("broker_back", seconds=seconds)

    def silent(self, reason: str) -> None:
        """Note that a question had no answer."""
        with self._lock:
            first = self._away_since is None
            self._away_since = self._clock() if first else self._away_since
        if first:
            structlog.get_logger().warning("broker_away", reason=reason)


@contextmanager
def watched_broker(
    bootstrap: str, look: Callable[[EndReader], None], topic: str = DOSSIER_EVENTS
) -> Iterator[Presence]:
    """Ask the broker every few seconds while the block runs.

    Args:
        bootstrap: brokers to ask.
        look: asks; LgspError when there was no answer. Called on the thread.
        topic: whose ends the reader asks for.
    """
    presence, stopped = Presence(), threading.Event()

    def work() -> None:
        reader = EndReader(bootstrap, topic)
        while not stopped.wait(_WHILE_AWAY if presence.away else _EVERY):
            try:
                look(reader)
            except LgspError as error:
                presence.silent(str(error))
            else:
                presence.answered()
        reader.close()

    thread = threading.Thread(target=work, name="broker watch", daemon=True)
    thread.start()
    try:
        yield presence
    finally:
        stopped.set()
        thread.join(_CLOSE_WITHIN)


def wait_for_broker(
    bootstrap: str, stopping: Callable[[], bool] = lambda: False, presence: Presence | None = None
) -> None:
    """Return once the broker answers, or when told to stop; says so when it has to wait."""
    presence = presence or Presence()
    reader = EndReader(bootstrap, DOSSIER_EVENTS)
    try:
        while not stopping():
            try:
                reader.ask()
            except RetryableError as error:
                presence.silent(str(error))
            else:
                presence.answered()
                return
            time.sleep(_WHILE_AWAY)
    finally:
        reader.close()
