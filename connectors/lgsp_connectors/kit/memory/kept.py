"""A large cursor in a file of this machine; the log names it, and which turn of it counts.

A connector may have to remember something of each of a hundred thousand files. That is too much
for one record of the log, and most of it does not change from page to page.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from secrets import token_hex

import structlog

from lgsp.domain.errors import FatalError
from lgsp_connectors.kit.contract import Cursor

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL, turn INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS before (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_log = structlog.get_logger()


class KeptCursor:
    """Keeps one cursor, writing only the entries that changed.

    `store` comes before the checkpoint that carries its token, and `load` gives exactly the cursor
    of the token that it is asked for, or none: what was stored by a process that died before its
    checkpoint is taken back. A file that is lost, damaged or another log's costs reading again.

    Args:
        path: its file, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._name, self._turn = "", 0
        self._known: Cursor = {}

    def load(self, token: str) -> Cursor | None:
        """Give the cursor that was stored under the token; None when it is not here.

        A file that is some turns behind (the machine lost power) gives its own last cursor: an
        older one is always true.
        """
        name, _, turn = token.partition("/")
        try:
            self._open()
            if self._name != name or self._turn > int(turn) + 1:
                self._lose("it is not the one that the log names")
                return None
            if self._turn == int(turn) + 1:
                self._take_back()
            rows = self._run("SELECT key, value FROM entries")
        except (sqlite3.Error, OSError) as error:
            self._lose(str(error))
            return None
        self._known = dict(rows)
        return dict(self._known)

    def store(self, cursor: Cursor) -> str:
        """Keep the cursor; give the token by which the checkpoint names it.

        Raises:
            FatalError: the file cannot be written.
        """
        try:
            if not self._name:
                self._begin_anew()
            known = self._known
            changed = [(k, v) for k, v in cursor.items() if known.get(k) != v]
            gone = [k for k in known if k not in cursor]
            before = [(k, known.get(k)) for k in (*(k for k, _ in changed), *gone)]
            with self._opened() as database:
                database.execute("DELETE FROM before")
                database.executemany("INSERT INTO before VALUES (?, ?)", before)
                self._write(changed, gone)
                database.execute("UPDATE meta SET turn = ?", (self._turn + 1,))
        except (sqlite3.Error, OSError) as error:
            raise FatalError(f"{self._path}: cannot be written: {error}") from error
        self._turn += 1
        self._known = cursor
        return f"{self._name}/{self._turn}"

    def forget(self) -> None:
        """Remove the file."""
        self.close()
        for end in ("", "-wal", "-shm"):
            Path(f"{self._path}{end}").unlink(missing_ok=True)
        self._name, self._turn, self._known = "", 0, {}

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _take_back(self) -> None:
        """Undo the last turn."""
        before = self._run("SELECT key, value FROM before")
        with self._opened() as database:
            self._write(
                [(key, value) for key, value in before if value is not None],
                [key for key, value in before if value is None],
            )
            database.execute("DELETE FROM before")
            database.execute("UPDATE meta SET turn = turn - 1")
        self._turn -= 1

    def _write(self, changed: Iterable[tuple[str, str]], gone: Iterable[str]) -> None:
        database = self._opened()
        database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", changed)
        database.executemany("DELETE FROM entries WHERE key = ?", ((key,) for key in gone))

    def _run(self, query: str) -> list[tuple[str, str]]:
        with closing(self._opened().execute(query)) as rows:
            return rows.fetchall()

    def _lose(self, why: str) -> None:
        _log.warning("cursor_not_here", file=str(self._path), why=why, then="all is read again")
        self.forget()

    def _opened(self) -> sqlite3.Connection:
        assert self._database is not None  # noqa: S101 - opened by load or store
        return self._database

    def _open(self) -> None:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(self._path, check_same_thread=False)
            self._database.executescript(f"PRAGMA journal_mode=WAL; {_TABLES}")
        row = self._database.execute("SELECT name, turn FROM meta").fetchone()
        self._name, self._turn = row or ("", 0)

    def _begin_anew(self) -> None:
        self.forget()
        self._open()
        name = token_hex(8)
        with self._opened() as database:
            database.execute("INSERT INTO meta VALUES (?, 0)", (name,))
        self._name = name
