"""What the log knows and the store does not: events not counted, sources that are amiss."""

import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import LgspError
from lgsp.domain.trust import SourceProblem, StoreProblem
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.connector_status import read_problems
from lgsp.runtime.kafka.log_identity import NoLogError, read_log
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.store.figures.sums import LANE
from lgsp.store.identity import OtherLogError, check_ends, check_log
from lgsp.store.offsets import count_behind, stored_offsets

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
        self._problems: Sequence[SourceProblem] = ()
        self._store_problems: Sequence[StoreProblem] = ()
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="backlog", daemon=True).start()

    @property
    def problems(self) -> Sequence[SourceProblem]:
        """What the connectors know to be amiss, as last read."""
        return self._problems

    @property
    def store_problems(self) -> Sequence[StoreProblem]:
        """Why store and log do not belong together, as last seen; it stands until they do."""
        return self._store_problems

    def __call__(self) -> int | None:
        """Return the number of events not counted yet; None when it is not known."""
        return self._events if time.monotonic() - self._asked < _OLD_AFTER else None

    def close(self) -> None:
        """Stop asking; a question under way is left to end by itself."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            found = look_at_log(self._bootstrap, self._engine)
            if found is not None:
                self._store_problems = found.problems
                self._events, self._asked = found.backlog, time.monotonic()
                problems = known_problems(self._bootstrap)
                self._problems = self._problems if problems is None else problems
            self._stop.wait(_EVERY)


class LogLook(NamedTuple):
    """What one look at log and store saw; `backlog` None: not known, `problems` say why."""

    backlog: int | None
    problems: Sequence[StoreProblem] = ()


def look_at_log(bootstrap: str, engine: Engine, topic: str = DOSSIER_EVENTS) -> LogLook | None:
    """Compare the log with the store; None when no broker answers soon."""
    try:
        _probe(bootstrap)
        return LogLook(count_backlog(bootstrap, engine, topic))
    except OtherLogError as error:
        return LogLook(None, (StoreProblem(error.code, str(error)),))
    except NoLogError as error:
        return LogLook(None, (StoreProblem("log_is_missing", str(error)),))
    except (LgspError, SQLAlchemyError, OSError) as error:
        structlog.get_logger().debug("backlog_unknown", error=str(error))
        return None


def known_problems(bootstrap: str) -> Sequence[SourceProblem] | None:
    """Return what the connectors know to be amiss; None when it cannot be read now."""
    try:
        _probe(bootstrap)
        return read_problems(bootstrap)
    except (LgspError, OSError, ValueError, TypeError) as error:
        structlog.get_logger().debug("connector_status_unknown", error=str(error))
        return None


def count_backlog(bootstrap: str, engine: Engine, topic: str) -> int:
    """Count the topic's events that the rates worker has not made durable in the store.

    Raises:
        OtherLogError: the log is not the one that the store has counted, or not all of it.
        NoLogError: there is no such topic.
        RetryableError: no broker answers.
        SQLAlchemyError: the store cannot be read.
    """
    log = read_log(bootstrap, topic, _PATIENCE)
    # Positions first: events that come in between then count as backlog, never less than is true.
    with engine.connect() as connection:
        check_log(connection, LANE, log, bootstrap)
        done = stored_offsets(connection, LANE, topic)
    ends = end_offsets(bootstrap, topic, _PATIENCE)
    check_ends(done, ends, topic, bootstrap)
    return count_behind(ends, done)


def _probe(bootstrap: str) -> None:
    """Raise OSError when the first broker is away: the client would wait and complain for long."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    socket.create_connection((host, int(port)), timeout=2).close()
