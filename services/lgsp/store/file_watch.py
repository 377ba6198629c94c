"""Sees that the file of a SQLite store stays the one that was opened, and that it only goes on.

An older copy put over a live file is met by nobody: SQLite goes on with its write-ahead log, and
what it writes and reads then is a mixture of both. So a number that grows is kept in the store, on
a page of its own, and looked for in the bare file, past the write-ahead log.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, select, update

from lgsp.store.identity import STORE

_MARK = "SELECT mark FROM store_identity"
_VERSIONS = "SELECT lane, topic, partition, version FROM offsets"
_NOTHING_IN = 4096  # bytes: a page
Key = tuple[str, str, int]


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of a SQLite store; None for PostgreSQL."""
    database = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(database) if database and database != ":memory:" else None


class FileWatch:
    """Watches one store; a PostgreSQL store has no file, and nothing is seen.

    Args:
        engine: the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.file = sqlite_file(engine)
        self._opened = self._which()
        self._mark = -1
        self._written = -1  # the number that this process has let it grow to
        self._versions: dict[Key, int] = {}
        self._marked_at: dict[Key, int] = {}

    def look(self) -> str:
        """Say what has become of the file since the last look; "" when it is as it must be."""
        if self.file is None:
            return ""
        which = self._which()
        if self._opened is None:
            self._opened = which  # it was not there yet: the worker makes it when it first starts
        elif self.gone:
            return f"the store {self.file} is gone"
        if which != self._opened:
            return f"the store {self.file} was replaced by another file while it was in use"
        bare = self._settled()
        if bare is None:
            return ""
        mark, versions = bare
        back = [key for key, version in self._versions.items() if versions.get(key, 0) < version]
        if mark < max(self._mark, self._written) or back:
            return (
                f"the store {self.file} was set back while it was in use: an older copy was put"
                " over it, and what is in it now is a mixture of both"
            )
        self._mark, self._versions = mark, versions
        return ""

    @property
    def gone(self) -> bool:
        """Whether there is no store: nothing, or an empty file that a new connection has made."""
        if self.file is None:
            return False
        try:
            size = self.file.stat().st_size
        except OSError:
            return True
        return size <= _NOTHING_IN and self._which() != self._opened

    def mark(self) -> None:
        """Let the number grow when something was counted since; for one that may write."""
        if self.file is not None and self._versions != self._marked_at:
            with self._engine.begin() as connection:
                connection.execute(update(STORE).values(mark=STORE.c.mark + 1))
                written = connection.execute(select(STORE.c.mark)).scalar_one()
            self._written = int(written)
            self._marked_at = self._versions

    def _which(self) -> tuple[int, int] | None:
        if self.file is None:
            return None
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _settled(self) -> tuple[int, dict[Key, int]] | None:
        """Read the bare file; None while our own number is still on its way into it."""
        bare = self._bare()
        if bare is None or bare[0] >= self._written:
            return bare
        return self._bare() if self._all_moved() else None

    def _all_moved(self) -> bool:
        """Move the write-ahead log into the file; tell whether all of it is there now."""
        try:
            with closing(sqlite3.connect(str(self.file), timeout=0)) as connection:
                busy, pages, moved = connection.execute(
                    "PRAGMA wal_checkpoint(PASSIVE)"
                ).fetchone()
        except sqlite3.Error:
            return False
        return not busy and pages == moved

    def _bare(self) -> tuple[int, dict[Key, int]] | None:
        """Read the file without its write-ahead log; None when that cannot be done just now."""
        address = f"file:{quote(str(self.file))}?immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                (mark,) = connection.execute(_MARK).fetchone()
                rows = connection.execute(_VERSIONS).fetchall()
        except (sqlite3.Error, TypeError):  # its pages are being moved, or have not been yet
            return None
        return mark, {
            (lane, topic, partition): version for lane, topic, partition, version in rows
        }
