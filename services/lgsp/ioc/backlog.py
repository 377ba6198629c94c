"""How many events stand on the log and are not counted yet, asked in the background."""

import socket
import threading
import time

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import LgspError
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.store.figures.sums import LANE
from lgsp.store.offsets import stored_offsets

_EVERY = 3.0
_OLD_AFTER = 15.0
_PATIENCE = 5.0


class Backlog:
    """Compares the log's ends with the stored positions every few seconds, on its own thread.

    Asking the broker may take long while it is away; nobody who wants a figure waits for it.
    """

    def __init__(self, bootstrap: str, engine: Engine) -> None:
        self._bootstrap = bootstrap
        self._engine = engine
        self._events: int | None = None
        self._asked = 0.0
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="backlog", daemon=True).start()

    def __call__(self) -> int | None:
        """Return the number of events not counted yet; None when it is not known."""
        return self._events if time.monotonic() - self._asked < _OLD_AFTER else None

    def close(self) -> None:
        """Stop asking; a question under way is left to end by itself."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            found = known_backlog(self._bootstrap, self._engine)
            if found is not None:
                self._events, self._asked = found, time.monotonic()
            self._stop.wait(_EVERY)


def known_backlog(bootstrap: str, engine: Engine) -> int | None:
    """Return the events of `dossier-events` not counted yet; None when no broker answers soon."""
    try:
        _probe(bootstrap)
        return count_backlog(bootstrap, engine, DOSSIER_EVENTS)
    except (LgspError, SQLAlchemyError, OSError) as error:
        structlog.get_logger().debug("backlog_unknown", error=str(error))
        return None


def count_backlog(bootstrap: str, engine: Engine, topic: str) -> int:
    """Count the topic's events that the rates worker has not made durable in the store.

    Raises:
        RetryableError: no broker answers.
        SQLAlchemyError: the store cannot be read.
    """
    # Positions first: events that come in between then count as backlog, never less than is true.
    with engine.connect() as connection:
        done = stored_offsets(connection, LANE, topic)
    ends = end_offsets(bootstrap, topic, _PATIENCE)
    return sum(max(0, end - done.get(partition, 0)) for partition, end in ends.items())


def _probe(bootstrap: str) -> None:
    """Raise OSError when the first broker is away: the client would wait and complain for long."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    socket.create_connection((host, int(port)), timeout=2).close()
