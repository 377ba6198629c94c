"""What a source holds that cannot be used: which records were told, and what ends their letters.

A letter stands as long as its record does, in whichever file. It is over once the source was read
to where the record should be and does not hold it, or once a later word of the same dossier could
be used. What is over is forgotten: when it comes back, it is told anew.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

from lgsp_connectors.kit.memory.met import LaterWord, Met
from lgsp_connectors.kit.memory.state import open_alone

_TABLES = (
    "CREATE TABLE IF NOT EXISTS rejects (letter TEXT, part TEXT, cause TEXT, code TEXT, own TEXT,"
    " stated INTEGER, held INTEGER, bare INTEGER, listed INTEGER, recorded INTEGER, stale INTEGER,"
    " away INTEGER, PRIMARY KEY (letter, part)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS rejects_part ON rejects (part)",
    "CREATE INDEX IF NOT EXISTS rejects_code ON rejects (code) WHERE code != ''",
    "CREATE TABLE IF NOT EXISTS head (name TEXT, turn INTEGER, listing TEXT, closing TEXT,"
    " ahead TEXT)",
)
_USED = (
    "SELECT letter, part, code, stated, held FROM rejects"
    " WHERE code != '' AND code IN (SELECT value FROM json_each(?))"
    " UNION SELECT letter, part, '', 0, 0 FROM rejects WHERE part = '' AND"
    " (own != '' AND own IN (SELECT value FROM json_each(?))"
    " OR letter IN (SELECT value FROM json_each(?)))"
)
_ROW = "SELECT * FROM rejects WHERE letter = ? AND part = ?"
_INSERT = "INSERT OR REPLACE INTO rejects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM rejects WHERE letter = ? AND part = ?"
_NEVER = 2**63 - 1  # an order that no word comes behind


class StandingRejects:
    """The rejects of one portal that stand in its source.

    It is always of the state of the checkpoint, which carries its token: what a page changes is
    noted before the checkpoint is stored, and holds if that was. A memory whose token is not the
    checkpoint's is forgotten. Letters close behind the checkpoint, if need be by the next process.

    Args:
        path: its file; None: a memory for this process only.

    Raises:
        ConfigurationError, FatalError: as `open_alone`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db = open_alone(path, _TABLES)
        self._touched: dict[tuple[str, str], None] = {}  # rows that a page may have changed
        self._over: dict[str, None] = {}  # letters to close
        self._turn, self._listing, self._unclear = 0, "", False

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
        head = self._db.execute("SELECT name, turn, ahead FROM head").fetchone()
        anew = head is None or name != head[0] or not turn.isdecimal() or int(turn) < head[1]
        self._unclear = anew and under_way
        self._turn = 0 if anew else int(turn)
        self._begin()
        if anew:
            self._db.execute("DELETE FROM rejects")
            self._db.execute("DELETE FROM head")
            self._db.execute("INSERT INTO head VALUES (?, 0, '', '[]', '')", (token_hex(8),))
        elif head[2]:  # noted by a process that died; true if the checkpoint was stored
            ahead = json.loads(head[2])
            (self._apply if ahead["turn"] <= self._turn else self._give_up)(ahead)
        self._db.execute("COMMIT")
        self._load()
        return anew

    def adopt(self, opened: Iterable[Met]) -> None:
        """Take over letters that are open on the log and not known here.

        A row of a file is over by its file alone: nobody knows when it was stated.
        """
        known = {letter for (letter,) in self._db.execute("SELECT letter FROM rejects")}
        self._begin()
        for met in opened:
            if met.letter not in known and met.letter not in self._over:
                stated = _NEVER if met.part else 0
                self._db.execute(_INSERT, (*met._replace(stated=stated), 0, 0, 0))
        self._db.execute("COMMIT")

    def __bool__(self) -> bool:
        """Whether anything stands."""
        return self._db.execute("SELECT 1 FROM rejects LIMIT 1").fetchone() is not None

    def begin(self, parts: Iterable[str]) -> None:
        """Note files that are read from their start: what is not met there now is gone."""
        self._mark("stale", parts)

    def begin_listing(self, name: str) -> None:
        """Note the complete listing that records of no file belong to now."""
        if name == self._listing:
            return
        self._listing = name
        if not self._unclear:  # nobody knows what of it was met before
            self._mark("stale", [""])
        self._unclear = False

    def meet(self, rejects: Sequence[Met]) -> list[bool]:
        """Tell of each whether it is to be told: its letter is not written, or was over."""
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
        elsewhere = "(SELECT 1 FROM rejects o WHERE o.letter = rejects.letter AND NOT o.away)"
        self._end_where(f"part = ? AND EXISTS {elsewhere}", [(part,) for part in parts])

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
        """Tell whether there is something that the checkpoint must stand behind."""
        return bool(self._touched or self._over)

    def token(self) -> str:
        """Give what the checkpoint must carry that is stored before `keep`."""
        ((name,),) = self._db.execute("SELECT name FROM head")
        return f"{name}/{self._turn + 1}"

    def prepare(self) -> None:
        """Note durably what is true once the checkpoint is stored.

        Called before the log can hold a letter, too: of one that no checkpoint stands behind the
        next process knows that it may be open.
        """
        found = {key: self._db.execute(_ROW, key).fetchone() for key in self._touched}
        ahead = {
            "turn": self._turn + 1,
            "listing": self._listing,
            "rows": [row for row in found.values() if row is not None],
            "gone": [key for key, row in found.items() if row is None],
            "closing": [*self._over],
        }
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if self._touched or self._has_changed():
            # What closes must be known after a crash of the machine, too.
            self._db.execute(f"PRAGMA synchronous = {'FULL' if self._over else 'NORMAL'}")
            self._db.execute("UPDATE head SET ahead = ?", (json.dumps(ahead),))
            self._begin()
            self._change(ahead)

    def keep(self) -> None:
        """Take what was prepared for true: the checkpoint is stored."""
        self._turn += 1
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        ((ahead,),) = self._db.execute("SELECT ahead FROM head")
        if ahead:
            self._begin()
            self._apply(json.loads(ahead))
            self._db.execute("COMMIT")
        self._touched.clear()

    def over(self) -> list[str]:
        """Give the letters to close, once the checkpoint is stored."""
        return [*self._over]

    def closed(self) -> None:
        """Note that the letters are closed."""
        self._db.execute("UPDATE head SET closing = '[]'")
        self._over.clear()

    def drop(self) -> None:
        """Forget what no checkpoint stands behind."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._touched.clear()
        self._over.clear()

    def close(self) -> None:
        """Close the file; what was not kept is forgotten."""
        self._db.close()

    def _meet(self, met: Met) -> bool:
        self._begin()
        known = self._db.execute(
            "SELECT 1 FROM rejects WHERE letter = ? AND cause = ? AND recorded",
            (met.letter, met.cause),
        ).fetchone()
        row = (*met, 1, 0, 0)
        if self._db.execute(_ROW, (met.letter, met.part)).fetchone() != row:
            self._db.execute(_INSERT, row)
            self._touched[met.letter, met.part] = None
        self._over.pop(met.letter, None)
        self._end_where("letter = ? AND away", [(met.letter,)])
        if met.bare:  # a file has one fault as a whole
            self._end_where("part = ? AND bare AND letter != ?", [(met.part, met.letter)])
        return known is None

    def _mark(self, column: str, parts: Iterable[str]) -> None:
        for part in parts:
            found = self._db.execute(
                f"SELECT letter, part FROM rejects WHERE part = ? AND NOT {column}",  # noqa: S608
                (part,),
            ).fetchall()
            if found:
                self._begin()
                self._touched |= dict.fromkeys(found)
                self._db.execute(f"UPDATE rejects SET {column} = 1 WHERE part = ?", (part,))  # noqa: S608

    def _end_where(self, which: str, values: Iterable[tuple[str | int, ...]]) -> None:
        for value in values:
            found = self._db.execute(f"SELECT letter, part FROM rejects WHERE {which}", value)  # noqa: S608
            self._end(found.fetchall())

    def _end(self, rows: Iterable[tuple[str, str]]) -> None:
        """Forget rejects; a letter is over when its record stands nowhere else."""
        for letter, part in rows:
            self._begin()
            self._db.execute(_DELETE, (letter, part))
            self._touched[letter, part] = None
            left = self._db.execute("SELECT 1 FROM rejects WHERE letter = ?", (letter,))
            if left.fetchone() is None:
                self._over[letter] = None

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")

    def _apply(self, ahead: dict[str, Any]) -> None:
        self._change(ahead)
        head = (ahead["turn"], ahead["listing"], json.dumps(ahead["closing"]))
        self._db.execute("UPDATE head SET turn = ?, listing = ?, closing = ?, ahead = ''", head)

    def _change(self, ahead: dict[str, Any]) -> None:
        self._db.executemany(_INSERT, ahead["rows"])
        self._db.executemany(_DELETE, ahead["gone"])

    def _give_up(self, ahead: dict[str, Any]) -> None:
        """Close what a process has told before it died, unless it is met again."""
        ((closing,),) = self._db.execute("SELECT closing FROM head")
        known = {letter for (letter,) in self._db.execute("SELECT letter FROM rejects")}
        doubtful = [letter for letter, *_ in ahead["rows"] if letter not in known]
        closing = json.dumps([*dict.fromkeys([*json.loads(closing), *doubtful])])
        self._db.execute("UPDATE head SET closing = ?, ahead = ''", (closing,))

    def _load(self) -> None:
        ((self._listing, closing),) = self._db.execute("SELECT listing, closing FROM head")
        self._over = dict.fromkeys(json.loads(closing))

    def _has_changed(self) -> bool:
        """Tell whether the listing or the letters to close are others than those that are kept."""
        ((listing, closing),) = self._db.execute("SELECT listing, closing FROM head")
        return (listing, json.loads(closing)) != (self._listing, [*self._over])
