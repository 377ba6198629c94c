"""Files of what a connector remembers on this machine: they save work, and may be lost."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.disk import refused
from lgsp.runtime.private import create_private


def state_file(data: Path, portal: str, what: str) -> Path:
    """Give the place of what a portal's connector remembers of `what` in the data folder."""
    return data / "connectors" / f"{portal}.{what}"


def open_alone(path: Path | None, tables: Iterable[str]) -> sqlite3.Connection:
    """Open a database for this process alone, with transactions begun by hand; make its tables.

    Args:
        path: its file, made with its folder, readable by its owner only; None: in memory.
        tables: statements that make what is not there yet.

    Raises:
        ConfigurationError: the file cannot be used.
        FatalError: another process uses it.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_private(path)
        connection = sqlite3.connect(
            path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        for table in tables:
            connection.execute(table)
        connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise FatalError(f"{path}: another process reads this portal") from error
        way = (path and refused(path)) or "move it away, or set LGSP_DATA"
        raise ConfigurationError(f"{path}: cannot be used ({error}); {way}") from error
    return connection
