"""Whether the store can be used: what its drivers met, a probe, and how long work has been on."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import StatementError

from lgsp.domain.errors import FatalError, LgspError
from lgsp.runtime import metrics
from lgsp.runtime.disk import has_no_room, way_out
from lgsp.runtime.store_away import StoreAway, away_seconds

_TRY_LATER = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
}
_PROBE_LOCK = "SET LOCAL lock_timeout = 2000"  # ms
_under_way: dict[int, float] = {}  # connection in use -> since when, monotonic seconds


def as_store_error(error: BaseException, url: URL | None = None) -> LgspError | None:
    """Return what a store's driver met as one of our errors, else None.

    StoreAway where the same work may succeed later: locked, away, no room. One line, without the
    statement and its values.

    Args:
        error: as it was met.
        url: of the store, whose file is named when its disk is full.
    """
    if isinstance(error, LgspError):
        return error
    if isinstance(error, StatementError):  # with what the driver said, without the statement
        error = error.orig or error
    kinds = {kind.__name__ for kind in type(error).__mro__}
    driver = type(error).__module__.partition(".")[0]
    operational = "OperationalError" in kinds
    if driver not in {"sqlite3", "psycopg"} or not (
        operational or type(error).__name__ in {"DatabaseError", _IDLE}
    ):
        return None  # a wrong statement is a defect of ours
    known = getattr(getattr(error, "diag", None), "message_primary", None)  # without the statement
    said = known or "; ".join(str(error).split("\n")).replace("\t", " ").strip("; ")
    if driver == "psycopg":
        return (StoreAway if operational or type(error).__name__ == _IDLE else FatalError)(
            f"the store: {said}"
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    file = Path(url.database).absolute() if url is not None and url.database else None
    if file is not None and (code == sqlite3.SQLITE_FULL or has_no_room(file)):
        return StoreAway(f"the store {file}: {said}: {way_out(file)}")
    return (StoreAway if code in _TRY_LATER else FatalError)(f"the store: {said}")


_IDLE = "IdleInTransactionSessionTimeout"


@contextmanager
def driven(connection: Connection) -> Iterator[None]:
    """Raise StoreAway where what is done past SQLAlchemy inside may succeed later."""
    dialect: Any = connection.dialect
    try:
        yield
    except dialect.dbapi.Error as error:
        if isinstance(known := as_store_error(error, connection.engine.url), StoreAway):
            raise known from error
        raise


def watch_store(engine: Engine) -> None:
    """Have the engine raise StoreAway where work may succeed later, and time its work."""

    @event.listens_for(engine, "handle_error")
    def on_error(context: object) -> None:
        error = context.original_exception  # type: ignore[attr-defined]
        if isinstance(known := as_store_error(error, engine.url), StoreAway):
            raise known from error

    # A connection is pinged before it is checked out: with a server that stands still, for ever.
    dialect: Any = engine.dialect
    ping = dialect.do_ping

    def timed_ping(connection: object) -> bool:
        _under_way[id(connection)] = time.monotonic()
        try:
            return bool(ping(connection))
        finally:
            _under_way.pop(id(connection), None)

    dialect.do_ping = timed_ping

    @event.listens_for(engine, "checkout")
    def on_checkout(_connection: object, record: object, _proxy: object) -> None:
        _under_way[id(record)] = time.monotonic()

    @event.listens_for(engine, "checkin")
    def on_checkin(_connection: object, record: object) -> None:
        _under_way.pop(id(record), None)

    @event.listens_for(engine, "invalidate")
    def on_invalidate(_connection: object, record: object, _error: object) -> None:
        _under_way.pop(id(record), None)


def busy_seconds() -> float:
    """Return for how long the longest piece of work with a store has been under way; 0: none.

    Work that waits for its store counts from when it was first refused.
    """
    now = time.monotonic()
    under_way = max((now - since for since in tuple(_under_way.values())), default=0.0)
    return max(under_way, away_seconds())


metrics.STORE_BUSY.set_function(busy_seconds)


def probe_store(engine: Engine, metadata: MetaData) -> None:
    """Begin to write to every table, and change nothing.

    Raises:
        StoreAway: it cannot be written now.
    """
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and has_no_room(path := Path(file).absolute()):
        raise StoreAway(f"the store {path}: {way_out(path)}")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(_PROBE_LOCK))
        for table in metadata.tables.values():
            connection.execute(table.delete().where(text("1 = 0")))
