"""The files that a glob names, with their stamps; what cannot be looked at is told, not hidden.

The patterns are those of `glob`: `*`, `?` and `[…]` within one name, `**` for any folders; names
that begin with a dot match only a pattern that does. `**` does not follow links to folders.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lgsp.domain.errors import RetryableError
from lgsp_connectors.files.marks import Stamp

_MAGIC = re.compile(r"[*?[]")
_AWAY = {
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""Faults of the machine or the mount, not of one file."""


class Found(NamedTuple):
    """One file of the listing.

    Args:
        name: as it stands in the cursor and in messages: printable, relative to the YAML.
        stamp: as of the listing; None with a fault.
        fault: why it cannot be read; "" when nothing is known against it.
    """

    name: str
    stamp: Stamp | None
    fault: str = ""


def list_files(base: Path, pattern: str) -> list[Found]:
    """Give the files that match, in order of name.

    Raises:
        RetryableError: the machine or the mount does not answer.
    """
    found: dict[str, Found] = {}
    for name, fault in _expand(str(base), "", pattern.split("/")):
        entry = _look(str(base), name, fault)
        if entry is not None:
            found[entry.name] = entry
    return [found[name] for name in sorted(found)]


def away(error: OSError, path: str) -> RetryableError | None:
    """Give the error to raise when the fault is not that of the file at `path`; None when it is.

    A file replaced on another machine is stale for a while; the mount is, when its folder is, too.
    """
    if error.errno == errno.ESTALE and _answers(os.path.dirname(path)):
        return None
    if error.errno in _AWAY:
        return RetryableError(f"{error.filename or 'a file'}: {error.strerror}")
    return None


def printable(name: str) -> str:
    r"""Give a name as text: bytes that are not UTF-8 as `\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _look(base: str, name: str, fault: str) -> Found | None:
    """Stat one name; None for a folder, or for what is gone by now."""
    path, shown = os.path.join(base, name), printable(name)
    stamp = None
    if not fault:
        try:
            status = os.stat(path)
        except OSError as error:
            fault = _fault(error, path)
            if error.errno == errno.ENOENT:
                if not os.path.lexists(path):
                    return None
                fault = "a link that leads nowhere"
        else:
            if stat.S_ISDIR(status.st_mode):
                return None
            stamp = Stamp.of(status)
            if not stat.S_ISREG(status.st_mode):
                fault = "not a file that ends (a pipe, a socket or a device)"
            elif shown != name:
                fault = "its name is not UTF-8: rename it"
    return Found(shown, None if fault else stamp, fault)


def _answers(folder: str) -> bool:
    try:
        os.scandir(folder).close()
    except OSError:
        return False
    return True


def _fault(error: OSError, path: str) -> str:
    """Name what is wrong with one file or folder; RetryableError when it is not that."""
    if away_error := away(error, path):
        raise away_error from error
    return error.strerror or type(error).__name__


def _expand(base: str, folder: str, parts: list[str]) -> Iterator[tuple[str, str]]:
    """Give the names below `folder` that the parts match, each with "" or why it has none."""
    part, rest = parts[0], parts[1:]
    if _MAGIC.search(part):
        yield from _matching(base, folder, part, rest)
        return
    name = f"{folder}{part}"
    if rest:
        yield from _expand(base, f"{name}/", rest)
    elif os.path.lexists(os.path.join(base, name)):
        yield name, ""


def _matching(base: str, folder: str, part: str, rest: list[str]) -> Iterator[tuple[str, str]]:
    deep = part == "**"
    if deep:
        rest = rest or ["*"]
        yield from _expand(base, folder, rest)
    try:
        entries = _entries(os.path.join(base, folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        fault = _fault(error, os.path.join(base, folder))
        yield folder.rstrip("/") or ".", f"a folder that cannot be looked into: {fault}"
        return
    matches = re.compile(fnmatch.translate("*" if deep else part)).match
    for name, kind in entries:
        if not matches(name) or (name.startswith(".") and not part.startswith(".")):
            continue
        if deep:
            if kind == "folder":
                yield from _matching(base, f"{folder}{name}/", part, rest)
        elif not rest:
            yield f"{folder}{name}", ""
        elif kind:
            yield from _expand(base, f"{folder}{name}/", rest)


def _entries(folder: str) -> list[tuple[str, str]]:
    """List a folder: name, and "folder", "link" (to a folder) or ""."""
    with os.scandir(folder) as entries:
        return [(entry.name, _kind(entry)) for entry in entries]


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if not entry.is_dir():
            return ""
        return "link" if entry.is_symlink() else "folder"
    except OSError:
        return ""  # its stat will tell
