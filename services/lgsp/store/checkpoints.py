"""Moves SQLite's write-ahead log into its file in the background, so that no batch waits for it.

By itself SQLite does so in the commit that finds the log long: two waits for the disk, in a batch
that somebody waits for. PostgreSQL has its own process for this.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from sqlalchemy import Engine, event

_EVERY = 10.0  # seconds; the disk is busy for a moment, and a live batch may meet it
_MOST_PAGES = 65_536  # 256 MB: a log as long as this is moved by the commit that finds it


@contextmanager
def background_checkpoints(engine: Engine) -> Iterator[None]:
    """Checkpoint a SQLite store every few seconds in a thread, while there are commits."""
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
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            while not stopped.wait(_EVERY):
                if committed.is_set():
                    committed.clear()
                    with suppress(sqlite3.OperationalError):  # the next one will do
                        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    engine.dispose()  # connections made before do not know of it
    thread = threading.Thread(target=work, name="checkpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
