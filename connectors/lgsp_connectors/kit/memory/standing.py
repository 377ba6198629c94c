"""What a source holds that cannot be used: which records were told, and what ends their letters.

A letter stands as long as its record does, in whichever file. It is over once the source was read
to where the record should be and does not hold it, or once a later word of the same dossier could
be used. What is over is forgotten: when it comes back, it is told anew.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.disk import refused
from lgsp.runtime.private import create_private
from lgsp_connectors.kit.memory.met import LaterWord, Met

_TABLES = (
    "CREATE TABLE IF NOT EXISTS rejects (letter TEXT, part TEXT, cause TEXT, code TEXT, own TEXT,"
    " stated INTEGER, held INTEGER, bare INTEGER, listed INTEGER, recorded INTEGER, stale INTEGER,"
    " away INTEGER, PRIMARY KEY (letter, part)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS rejects_part ON rejects (part)",
    "CREATE INDEX IF NOT EXISTS rejects_code ON rejects (code) WHERE code != ''",
    "CREATE TABLE IF NOT EXISTS closing (letter TEXT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS head (name TEXT, turn INTEGER, listing TEXT)",
)
_NEVER = 2**63 - 1  # an order that no word comes behind
_USED = (
    "SELECT letter, part, code, stated, held FROM rejects"
    " WHERE code != '' AND code IN (SELECT value FROM json_each(?))"
    " UNION SELECT letter, part, '', 0, 0 FROM rejects WHERE part = '' AND"
    " (own != '' AND own IN (SELECT value FROM json_each(?))"
    " OR letter IN (SELECT value FROM json_each(?)))"
)


class StandingRejects:
    """The rejects of one portal that stand in its source.

    It never knows more than the log does: what was told counts once the checkpoint stands behind
    it, and the checkpoint carries a token of this memory. A memory whose token is not the
    checkpoint's is forgotten. What closes is noted before it is closed, so that a death in between
    leaves no letter open.

    Args:
        path: its file; None: a memory for this process only.

    Raises:
        ConfigurationError: the file cannot be used.
        FatalError: another process uses it.
    """

    def __init__(self, path: Path | None = None) -> None:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                create_private(path)
            self._db = sqlite3.connect(
                path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                self._db.execute(table)
            self._db.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise FatalError(f"{path}: another process reads this portal") from error
            way = (path and refused(path)) or "move it away, or set LGSP_DATA"
            raise ConfigurationError(f"{path}: cannot be used ({error}); {way}") from error
        self._fresh: set[tuple[str, str]] = set()  # told in this page
        self._over: dict[str, None] = {}  # letters to close
        self._given: set[str] = set()  # of these, those that were handed over
        self._turn, self._unclear = 0, False

    def resume(self, token: str, *, under_way: bool = False) -> bool:
        """Begin a run behind a checkpoint with this token ("": there is none).

        Args:
            token: as `token` gave it.
            under_way: the source is not read from its beginning.

        Returns:
            Whether the memory had to begin anew.
        """
        self.drop()
        name, _, turn = token.partition("/")
        head = self._db.execute("SELECT name, turn FROM head").fetchone()
        anew = head is None or name != head[0] or not turn.isdecimal() or int(turn) < head[1]
        self._unclear = anew and under_way
        self._begin()
        if anew:
            for table in ("head", "rejects", "closing"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            self._db.execute("INSERT INTO head VALUES (?, 0, '')", (token_hex(8),))
        self._turn = 0 if anew else int(turn)
        self._db.execute("COMMIT")
        self._over = dict.fromkeys(
            letter for (letter,) in self._db.execute("SELECT letter FROM closing")
        )
        return anew

    def adopt(self, opened: Iterable[Met]) -> None:
        """Take over letters that are open on the log and not known here.

        A row of a file is over by its file alone: nobody knows when it was stated.
        """
        rows = [met._replace(stated=_NEVER if met.part else 0) for met in opened]
        self._begin()
        known = {letter for (letter,) in self._db.execute("SELECT letter FROM rejects")}
        for met in rows:
            if met.letter not in known and met.letter not in self._over:
                self._put(met, recorded=False)
        self._db.execute("COMMIT")

    def __bool__(self) -> bool:
        """Whether anything stands."""
        return self._db.execute("SELECT 1 FROM rejects LIMIT 1").fetchone() is not None

    def begin(self, parts: Iterable[str]) -> None:
        """Note files that are read from their start: what is not met there now is gone."""
        self._mark("stale", parts)

    def begin_listing(self, name: str) -> None:
        """Note the complete listing that records of no file belong to now."""
        ((before,),) = self._db.execute("SELECT listing FROM head")
        if name == before:
            return
        self._begin()
        self._db.execute("UPDATE head SET listing = ?", (name,))
        if not self._unclear:  # nobody knows what of it was met before
            self._mark("stale", [""])
        self._unclear = False

    def meet(self, rejects: Sequence[Met]) -> list[bool]:
        """Tell of each whether it is to be told: its letter is not written, or was over."""
        if rejects:
            self._begin()
        return [self._meet(met) for met in rejects]

    def use(
        self,
        words: Mapping[str, Sequence[LaterWord]],
        owns: Collection[str] = (),
        letters: Collection[str] = (),
    ) -> None:
        """End what is made up for by records that could be used.

        Args:
            words: of each dossier's code (`digest_of`).
            owns: their own ids at the portal (`digest_of`).
            letters: that they would have themselves, of those that stand in no file.
        """
        sets = [json.dumps(list(each)) for each in (words, owns, letters)]
        found = self._db.execute(_USED, sets).fetchall()
        self._end(
            (letter, part)
            for letter, part, code, stated, held in found
            if not code or any(w.makes_up_for(part, stated, held) for w in words[code])
        )

    def read(self, parts: Iterable[str]) -> None:
        """Note files that were read to their end: what was not met in them is gone."""
        self._end_where("part = ? AND (stale OR bare)", [(part,) for part in parts])

    def lose(self, parts: Iterable[str]) -> None:
        """Note files that are gone; what stands in no other one stays: it was never used."""
        parts = list(parts)
        self._mark("away", parts)
        for part in parts:
            self._db.execute(
                "DELETE FROM rejects WHERE part = ? AND EXISTS (SELECT 1 FROM rejects other"
                " WHERE other.letter = rejects.letter AND NOT other.away)",
                (part,),
            )

    def listed(self, part: str, at: int) -> None:
        """Note that the newest complete listing has ended: of what was stated before, it has all.

        A file that is there and cannot be read keeps its letter.

        Args:
            part: the file that it is; "" for none.
            at: when it was stated (ms UTC).
        """
        which = "(stale OR part != ?) AND listed <= ? AND (away OR NOT bare)"
        self._end_where(which, [(part, at)])

    @property
    def pending(self) -> bool:
        """Tell whether there is something to keep."""
        return bool(self._fresh or self._over)

    def announce(self) -> list[str]:
        """Note durably what is over, and give the letters to close that were not given before."""
        new = [letter for letter in self._over if letter not in self._given]
        if new or self._db.in_transaction:
            self._begin()
            self._db.execute("DELETE FROM closing")
            rows = [(letter,) for letter in self._over]
            self._db.executemany("INSERT INTO closing VALUES (?)", rows)
            self._db.execute("COMMIT")
        self._given.update(new)
        return new

    def token(self) -> str:
        """Give what the checkpoint must carry that is stored before `keep`."""
        ((name,),) = self._db.execute("SELECT name FROM head")
        return f"{name}/{self._turn + 1}"

    def keep(self) -> None:
        """Count as told what was met, and as closed what was handed over: both are on the log."""
        self._turn += 1
        if not self.pending:
            return
        self._begin()
        self._db.execute("UPDATE head SET turn = ?", (self._turn,))
        update = "UPDATE rejects SET recorded = 1 WHERE letter = ? AND part = ?"
        self._db.executemany(update, list(self._fresh))
        closed = [(letter,) for letter in self._given]
        self._db.executemany("DELETE FROM closing WHERE letter = ?", closed)
        self._db.execute("COMMIT")
        self._over = {letter: None for letter in self._over if letter not in self._given}
        self._fresh.clear()
        self._given.clear()

    def drop(self) -> None:
        """Forget what was neither announced nor kept."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._fresh.clear()
        self._over.clear()
        self._given.clear()

    def close(self) -> None:
        """Close the file; what was not kept is forgotten."""
        self._db.close()

    def _meet(self, met: Met) -> bool:
        known = self._db.execute(
            "SELECT 1 FROM rejects WHERE letter = ? AND cause = ? AND recorded",
            (met.letter, met.cause),
        ).fetchone()
        is_new = known is None and met.letter not in {letter for letter, _ in self._fresh}
        if known is None:
            self._fresh.add((met.letter, met.part))
        self._put(met, recorded=known is not None)
        self._over.pop(met.letter, None)
        self._given.discard(met.letter)
        self._db.execute("DELETE FROM rejects WHERE letter = ? AND away", (met.letter,))
        if met.bare:  # a file has one fault as a whole
            self._end_where("part = ? AND bare AND letter != ?", [(met.part, met.letter)])
        return is_new

    def _put(self, met: Met, *, recorded: bool) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO rejects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (*met, recorded),
        )

    def _mark(self, column: str, parts: Iterable[str]) -> None:
        for part in parts:
            self._begin()
            self._db.execute(f"UPDATE rejects SET {column} = 1 WHERE part = ?", (part,))  # noqa: S608

    def _end_where(self, which: str, values: Iterable[tuple[str | int, ...]]) -> None:
        for value in values:
            found = self._db.execute(f"SELECT letter, part FROM rejects WHERE {which}", value)  # noqa: S608
            self._end(found.fetchall())

    def _end(self, rows: Iterable[tuple[str, str]]) -> None:
        """Forget rejects; a letter is over when its record stands nowhere else."""
        for letter, part in rows:
            self._begin()
            self._db.execute("DELETE FROM rejects WHERE letter = ? AND part = ?", (letter, part))
            self._fresh.discard((letter, part))
            left = self._db.execute("SELECT 1 FROM rejects WHERE letter = ?", (letter,))
            if left.fetchone() is None:
                self._over[letter] = None
                self._given.discard(letter)

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")
