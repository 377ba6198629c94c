"""SQLite as the store: one file in WAL mode, one writer at a time."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from lgsp.runtime.private import create_private
from lgsp.store.refusal import raise_if_refused

_BUSY = 10_000  # ms to wait for another process' transaction


def prepare_sqlite(engine: Engine, url: URL, *, read_only: bool) -> None:
    """Make the file's folder, and set up each connection and transaction.

    Raises:
        ConfigurationError: the store is refused (refusal.py), and not opened to be read only.
    """
    if url.database and url.database != ":memory:" and not read_only:
        raise_if_refused(Path(url.database))
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        create_private(Path(url.database))

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and too late for a snapshot.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY}")
        if read_only:
            connection.execute("PRAGMA query_only=1")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL keeps every commit over a killed process; a power cut may lose the
        # newest ones, which the log gives back because the offset is in the same transaction.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-65536")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        snapshot = read_only or connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")
