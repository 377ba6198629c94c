"""Whole copies of SQLite stores: taken while workers write, and put back when nobody does."""

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import orjson

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.private import create_private
from lgsp.store.refusal import forget_refusal

MANIFEST = "backup.json"
_BESIDE = ("-wal", "-shm")
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One store of a backup: its file's name and digest, and the positions it stood at."""

    file: str
    sha256: str
    positions: Mapping[str, int]

    def document(self) -> dict[str, object]:
        """Return it as it stands in the manifest."""
        return {"file": self.file, "sha256": self.sha256, "positions": dict(self.positions)}


def copy_live(live: Path, into: Path) -> Copy:
    """Copy a store as it stands at one moment; writers go on meanwhile.

    Raises:
        FatalError: the copy is not whole.
    """
    part = into.with_name(f"{into.name}.part")
    create_private(part)
    with closing(_read_only(live)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)  # in one step: one moment, and no writer waits
        copy.execute("PRAGMA journal_mode=DELETE")  # one file is all of it
        positions = positions_in(copy)
    check_whole(part)
    _sync(part)
    os.replace(part, into)
    return Copy(file=into.name, sha256=digest_of(into), positions=positions)


def positions_in(connection: sqlite3.Connection) -> dict[str, int]:
    """Return lane/topic/partition -> next offset; nothing for a store that reads no log."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'offsets'")
    if tables.fetchone() is None:
        return {}
    rows = connection.execute("SELECT lane, topic, partition, next_offset FROM offsets")
    return {f"{lane}/{topic}/{partition}": at for lane, topic, partition, at in sorted(rows)}


def check_whole(file: Path) -> None:
    """Raise FatalError when SQLite finds a fault in the file."""
    try:
        with closing(_read_only(file)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        raise FatalError(f"{file} is not whole: {error}") from error
    if found != ["ok"]:
        raise FatalError(f"{file} is not whole: {'; '.join(found)}")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def write_manifest(folder: Path, copies: list[Copy], made_at: str) -> None:
    """Write what is in the backup; last: a folder without it is none."""
    path = folder / MANIFEST
    create_private(path)
    document = {"made_at": made_at, "stores": [copy.document() for copy in copies]}
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    _sync(path)


def read_backup(folder: Path) -> tuple[str, list[Copy]]:
    """Read when a backup was made, and its copies, each as it was written then.

    Raises:
        ConfigurationError: it is no backup, not complete, or changed since.
    """
    try:
        document = orjson.loads((folder / MANIFEST).read_bytes())
        copies = [Copy(**each) for each in document["stores"]]
        made_at = str(document["made_at"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"{folder} is no complete backup ({MANIFEST}: {error}); `lgsp backup --to` makes one"
        ) from error
    for copy in copies:
        file = folder / copy.file
        if Path(copy.file).name != copy.file or not file.is_file():
            raise ConfigurationError(f"{folder} is no complete backup: {copy.file} is missing")
        if digest_of(file) != copy.sha256:
            raise ConfigurationError(f"{file} is not what the backup wrote: its digest differs")
    return made_at, copies


@contextmanager
def alone(live: Path) -> Iterator[None]:
    """Hold a store that is to be replaced; nobody else may have it open.

    Raises:
        ConfigurationError: somebody has.
    """
    if not live.exists():
        yield
        return
    with closing(sqlite3.connect(live, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")  # whoever has it open hinders this
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise ConfigurationError(
                    f"{live} is in use: stop `lgsp up`, the workers and the feed first"
                ) from error
        except sqlite3.DatabaseError:  # broken: it is to be replaced
            pass
        yield


def put_in_place(new: Path, live: Path, word: str) -> Path | None:
    """Put a whole file (on the same disk) where the live one is; keep that one; return its place.

    Args:
        new: moved there.
        live: the store; hold it with `alone`.
        word: for the name of what is kept: `rates.db.WORD-20261127T190000Z`.
    """
    kept = None
    if live.exists():
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name = f"{live.name}.{word}-{stamp}"
        kept = live.with_name(name)
        for number in count(2):
            if not kept.exists():
                break
            kept = live.with_name(f"{name}-{number}")
        os.link(live, kept)  # at no moment is there none
    for end in _BESIDE:
        live.with_name(live.name + end).unlink(missing_ok=True)
    os.replace(new, live)
    forget_refusal(live)
    _sync(live.parent)
    return kept


@contextmanager
def part_of(file: Path) -> Iterator[Path]:
    """Give the place of a new store beside its file; nothing is left of one not finished.

    What a process that was killed has left there is taken away.
    """
    part = file.with_name(f"{file.name}.part")
    beside = [part.with_name(part.name + end) for end in ("", *_BESIDE)]
    for path in beside:
        path.unlink(missing_ok=True)
    try:
        yield part
    finally:
        for path in beside:
            path.unlink(missing_ok=True)


@contextmanager
def whole_or_nothing(file: Path) -> Iterator[Path]:
    """Give where to fill a new store, which gets its place once the block has ended well.

    Whoever is stopped or killed in the block leaves no half store behind under the file's name.
    """
    with part_of(file) as part:
        yield part
        with closing(sqlite3.connect(part)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # one file is all of it
        _sync(part)
        os.replace(part, file)
        _sync(file.absolute().parent)


def copy_file(source: Path, into: Path) -> None:
    """Copy a file to a new private one, and have it on the disk."""
    into.unlink(missing_ok=True)
    create_private(into)
    shutil.copyfile(source, into)
    _sync(into)


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
