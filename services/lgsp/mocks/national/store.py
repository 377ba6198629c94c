"""What the portal keeps: dossiers, their progress and the log of every call, in one SQLite file.

Commits are shared by the calls of one turn of the event loop; a call is answered only after its
commit, so whatever a client was told survives a killed process.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.private import create_private

_SCHEMA = """
CREATE TABLE IF NOT EXISTS dossiers (
  code TEXT PRIMARY KEY, status INTEGER NOT NULL, record BLOB NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps (
  id INTEGER PRIMARY KEY, code TEXT NOT NULL, at TEXT NOT NULL, status INTEGER NOT NULL,
  step BLOB NOT NULL, saved_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS steps_of ON steps (code, at, id);
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, service TEXT NOT NULL,
  code TEXT NOT NULL, updating INTEGER, payload_hash TEXT NOT NULL, facts BLOB NOT NULL,
  error_code TEXT NOT NULL, message TEXT NOT NULL, fault TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_of ON calls (code, id);
"""


class Call(NamedTuple):
    """One line of the log. Times are ms UTC; `facts`: statuses and dates sent, never persons.

    `fault` names the scripted fault that this call met, "" for none.
    """

    at: int
    service: str
    code: str
    updating: int | None
    payload_hash: str
    facts: bytes
    error_code: str
    message: str
    fault: str


class PortalStore:
    """The portal's file. Used from one event loop only.

    Args:
        path: made with its folder when absent.

    Raises:
        ConfigurationError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_private(path)  # it holds persons in clear
            self._writer = sqlite3.connect(path, isolation_level=None)
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=NORMAL")
            self._writer.executescript(_SCHEMA)
            self._reader = sqlite3.connect(path, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"cannot open the mock's store {path}: {error}") from error
        self._reader.row_factory = sqlite3.Row
        self._commit: asyncio.Future[None] | None = None

    def record(self, code: str) -> dict[str, Any] | None:
        """Return the latest record of a dossier, None when there is none."""
        row = self._writer.execute("SELECT record FROM dossiers WHERE code=?", (code,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def steps(self, code: str) -> list[dict[str, Any]]:
        """Return the progress of a dossier in the order of its times."""
        rows = self._writer.execute("SELECT step FROM steps WHERE code=? ORDER BY at, id", (code,))
        return [orjson.loads(row[0]) for row in rows]

    def exists(self, code: str) -> bool:
        """Tell whether the dossier is known."""
        row = self._writer.execute("SELECT 1 FROM dossiers WHERE code=?", (code,)).fetchone()
        return row is not None

    def save(self, record: dict[str, Any], now: int) -> None:
        """Create the dossier or replace its record by this one, older or newer."""
        self._begin()
        self._writer.execute(
            "INSERT INTO dossiers VALUES (?,?,?,?,?) ON CONFLICT (code) DO UPDATE SET"
            " status=excluded.status, record=excluded.record, updated_at=excluded.updated_at",
            (record["MaHoSo"], int(record["TrangThaiHoSo"]), orjson.dumps(record), now, now),
        )

    def add_steps(self, steps: Iterable[dict[str, Any]], now: int) -> None:
        """Append progress steps as they come, repeats included."""
        self._begin()
        self._writer.executemany(
            "INSERT INTO steps (code, at, status, step, saved_at) VALUES (?,?,?,?,?)",
            [
                (s["MaHoSo"], s["ThoiDiemXuLy"], int(s["TrangThai"]), orjson.dumps(s), now)
                for s in steps
            ],
        )

    def log(self, call: Call) -> None:
        """Append one call."""
        self._begin()
        self._writer.execute(
            "INSERT INTO calls (at, service, code, updating, payload_hash, facts, error_code,"
            " message, fault) VALUES (?,?,?,?,?,?,?,?,?)",
            call,
        )

    async def committed(self) -> None:
        """Wait until everything written so far is in the file.

        The commit is shared by all calls of one turn of the loop.
        """
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._commit = loop.create_future()
            loop.call_soon(self._do_commit)
        await asyncio.shield(self._commit)

    def read(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        """Run a read query on committed data."""
        return self._reader.execute(query, arguments).fetchall()

    def close(self) -> None:
        """Commit what is open and close the file."""
        if self._writer.in_transaction:
            self._writer.execute("COMMIT")
        self._reader.close()
        self._writer.close()

    def _begin(self) -> None:
        if not self._writer.in_transaction:
            self._writer.execute("BEGIN IMMEDIATE")

    def _do_commit(self) -> None:
        waiting, self._commit = self._commit, None
        assert waiting is not None  # noqa: S101 - set by `committed`, which scheduled this
        try:
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            waiting.set_exception(error)
        else:
            waiting.set_result(None)
