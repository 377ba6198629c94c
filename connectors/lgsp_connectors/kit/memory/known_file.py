"""The entries of `known` in a SQLite file of the data folder, one file a portal."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.disk import refused
from lgsp.runtime.private import create_private
from lgsp_connectors.kit.memory.entry import Entry

_TABLE = (
    "CREATE TABLE IF NOT EXISTS known"
    " (code TEXT PRIMARY KEY, entry BLOB NOT NULL, listing TEXT NOT NULL, announced BLOB)"
    " WITHOUT ROWID"
)
_NEWEST = "CREATE TABLE IF NOT EXISTS newest (at INTEGER PRIMARY KEY)"
_DISPUTED = "CREATE TABLE IF NOT EXISTS disputed (code TEXT PRIMARY KEY)"
_PAST = "CREATE TABLE IF NOT EXISTS past (code TEXT PRIMARY KEY, entry BLOB NOT NULL)"
_VERSION = 4  # of an entry; what another version has kept is stated once more
_BEFORE_ANNOUNCED = 3
_SPOILT = "CREATE TABLE IF NOT EXISTS spoilt (listing TEXT PRIMARY KEY)"


class KnownFile:
    """Keeps the entries of one portal; readable by its owner only.

    Durable enough: what a crash of the machine takes from it is stated once more. What is
    announced survives that too: it is on the disk before the log can hold it.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            ConfigurationError: it cannot be opened, or is no file of ours.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            create_private(path)
            self._connection = sqlite3.connect(path, timeout=30)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            ((version,),) = self._connection.execute("PRAGMA user_version")
            if version == _BEFORE_ANNOUNCED:
                self._connection.execute("ALTER TABLE known ADD COLUMN announced BLOB")
            elif version != _VERSION:
                self._connection.execute("DROP TABLE IF EXISTS known")
                self._connection.execute("DROP TABLE IF EXISTS past")
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
            self._connection.execute(_TABLE)
            self._connection.execute(_DISPUTED)
            self._connection.execute(_PAST)
            self._connection.execute(_SPOILT)
            self._connection.execute(_NEWEST)
            found = self._connection.execute("SELECT code FROM disputed")
            self.disputed = {code for (code,) in found}
        except (OSError, sqlite3.Error) as error:
            way = refused(path) or (
                "without it everything is stated once more: move it away or set LGSP_DATA"
            )
            raise ConfigurationError(f"{path}: cannot be used ({error}); {way}") from error

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of those of the codes that are known."""
        found = self._connection.execute(
            "SELECT code, entry, announced FROM known"
            " WHERE code IN (SELECT value FROM json_each(?))",
            (json.dumps(list(codes)),),
        )
        return {
            code: Entry.decode(entry)._replace(announced=Entry.decode(announced))
            if announced
            else Entry.decode(entry)
            for code, entry, announced in found
        }

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """Note what is about to be stated, and wait until the disk has it."""
        if not entries:
            return
        nothing = Entry().encode()
        rows = [(code, nothing, entry.encode()) for code, entry in entries.items()]
        self._connection.execute("PRAGMA synchronous = FULL")
        with self._connection as connection:
            connection.executemany(
                "INSERT INTO known VALUES (?, ?, '', ?) ON CONFLICT (code) DO UPDATE"
                " SET announced = excluded.announced",
                rows,
            )
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def keep(self, entries: Mapping[str, Entry], seen: Collection[str], listing: str) -> None:
        """Keep the entries; mark the codes seen as held by the listing ("": by none)."""
        with self._connection as connection:
            connection.executemany(
                "INSERT INTO known VALUES (?, ?, ?, ?) ON CONFLICT (code) DO UPDATE"
                " SET entry = excluded.entry, announced = excluded.announced",
                [
                    (code, entry.encode(), listing, entry.announced and entry.announced.encode())
                    for code, entry in entries.items()
                ],
            )
            if listing:
                connection.execute(
                    "UPDATE known SET listing = ?"
                    " WHERE code IN (SELECT value FROM json_each(?)) AND listing < ?",
                    (listing, json.dumps(list(seen)), listing),
                )
            self._settle(self.disputed & set(seen))

    def dispute(self, codes: Collection[str]) -> None:
        """Note codes that were stated of another dossier."""
        new = set(codes) - self.disputed
        if not new:
            return
        with self._connection as connection:
            connection.executemany("INSERT INTO disputed VALUES (?)", [(code,) for code in new])
        self.disputed |= new

    def _settle(self, codes: Collection[str]) -> None:
        """Dispute the codes no longer, in the transaction that is open."""
        rows = [(code,) for code in codes]
        self._connection.executemany("DELETE FROM disputed WHERE code = ?", rows)
        self.disputed.difference_update(codes)

    def spoil(self, listing: str) -> None:
        """Note that the listing has a record of which nobody can tell whose it is."""
        with self._connection as connection:
            connection.execute("INSERT OR IGNORE INTO spoilt VALUES (?)", (listing,))

    def missing(self, listing: str) -> tuple[list[str], int] | None:
        """Give the known codes that neither it nor a later one holds, and how many are known."""
        spoilt = self._connection.execute("SELECT 1 FROM spoilt WHERE listing = ?", (listing,))
        if spoilt.fetchone():
            return None
        found = self._connection.execute("SELECT code FROM known WHERE listing < ?", (listing,))
        gone = [code for (code,) in found]
        ((count,),) = self._connection.execute("SELECT count(*) FROM known")
        return gone, count

    def date_back(self, listing: str, earlier: str) -> None:
        """Give a listing of a clock ahead its name by an earlier time."""
        with self._connection as connection:
            connection.execute(
                "UPDATE known SET listing = ? WHERE listing = ?", (earlier, listing)
            )

    def newest(self) -> int:
        """Give when the newest listing that has ended was stated (ms UTC); 0: there is none."""
        ((newest,),) = self._connection.execute("SELECT max(at) FROM newest")
        return newest or 0

    def is_newest(self, at: int) -> bool:
        """Note that a listing stated at `at` has ended; False after a later one."""
        with self._connection as connection:
            connection.execute("INSERT OR IGNORE INTO newest VALUES (?)", (at,))
            ((newest,),) = connection.execute("SELECT max(at) FROM newest")
            connection.execute("DELETE FROM newest WHERE at < ?", (newest,))
        return bool(at == newest)

    def no_later_than(self, now: int, listing: str) -> None:
        """Drop what a clock ahead has noted."""
        with self._connection as connection:
            connection.execute("DELETE FROM newest WHERE at > ?", (now,))
            connection.execute("UPDATE known SET listing = '' WHERE listing > ?", (listing,))

    def forget(self, removed: Mapping[str, int]) -> None:
        """Drop the entries, but for who filed them and the order of the removal."""
        known = self.load(removed)
        left = [
            (code, Entry(written=order, filing=(entry.announced or entry).filing).encode())
            for code, order in removed.items()
            for entry in [known.get(code, Entry())]
        ]
        with self._connection as connection:
            connection.executemany("INSERT OR REPLACE INTO past VALUES (?, ?)", left)
            connection.executemany(
                "DELETE FROM known WHERE code = ?", [(code,) for code in removed]
            )
            self._settle(self.disputed & removed.keys())

    def past(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give what is left of those of the codes that were dropped."""
        found = self._connection.execute(
            "SELECT code, entry FROM past WHERE code IN (SELECT value FROM json_each(?))",
            (json.dumps(list(codes)),),
        )
        return {code: Entry.decode(entry) for code, entry in found}

    def reset(self) -> None:
        """Drop everything."""
        with self._connection as connection:
            connection.execute("DELETE FROM known")
            connection.execute("DELETE FROM past")
            connection.execute("DELETE FROM spoilt")
            connection.execute("DELETE FROM newest")
            connection.execute("DELETE FROM disputed")
        self.disputed.clear()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
