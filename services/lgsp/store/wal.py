"""Moves SQLite's write-ahead log into its file in the background, so that no batch waits for it.

By itself SQLite does so in the commit that finds the log long: two waits for the disk, in a batch
that somebody waits for. PostgreSQL has its own process for this.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import structlog
from sqlalchemy import Engine, event

# Seconds. A commit may wait for the disk while the log is flushed, and the flush takes as long as
# the log has grown: live, by little and often; catching up, when nobody waits, seldom.
_LIVE, _CATCHING_UP = 0.25, 10.0
_WAL_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
_MOST_PAGES = 65_536  # 256 MB: a log as long as this is moved by the commit that finds it


@contextmanager
def background_wal_checkpoints(engine: Engine, catching_up: Callable[[], bool]) -> Iterator[None]:
    """Checkpoint a SQLite store in a thread, again and again while there are commits.

    Args:
        engine: the store; nothing is done for PostgreSQL.
        catching_up: whether nobody waits for a batch now. Called in the thread.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    committed, stopped = threading.Event(), threading.Event()

    @event.listens_for(engine, "connect")
    def on_connect(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA wal_autocheckpoint={_MOST_PAGES}")  # type: ignore[attr-defined]

    @event.listens_for(engine, "commit")
    def on_commit(_connection: object) -> None:
        committed.set()

    def work() -> None:
        last, log = time.monotonic(), structlog.get_logger()
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            while not stopped.wait(_LIVE):
                due = not catching_up() or time.monotonic() - last >= _CATCHING_UP
                if due and committed.is_set():
                    committed.clear()
                    last = time.monotonic()
                    try:
                        busy, pages, moved = connection.execute(_WAL_CHECKPOINT).fetchone()
                    except sqlite3.Error as error:  # locked, full, broken: its worker says so
                        log.debug("wal_not_moved", error=str(error))
                        busy = True
                    if busy or pages != moved:
                        committed.set()  # the rest at the next look

    engine.dispose()  # connections made before do not know of it
    thread = threading.Thread(target=work, name="checkpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
