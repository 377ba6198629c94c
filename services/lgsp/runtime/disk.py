"""A disk that is full, or a place that is another user's: which one, and the way out."""

import errno
import os
import pwd
import shutil
from pathlib import Path

from lgsp.runtime import metrics

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_LITTLE = 1_000_000  # bytes, with which nothing of ours can work


def is_full(error: OSError) -> bool:
    """Tell whether the system refused to write because a disk, or somebody's share, is full."""
    return error.errno in _FULL


def describe(error: OSError, state: Path) -> str:
    """Say what the system refused, of which file, and the way out where one is known.

    Args:
        error: as it was met; writing into an open file names none.
        state: folder of our state: named when the error names no file, and its disk is full.
    """
    what = error.strerror or str(error) or type(error).__name__
    if not is_full(error):
        words = f"{error.filename}: {what}" if error.filename else what
        denied = error.filename and error.errno in _DENIED and not_ours(Path(error.filename))
        return f"{words}: {denied}" if denied else words
    if error.filename:
        return f"{error.filename}: {what}: {way_out(Path(error.filename))}"
    return f"{state.absolute()}: {what}: {way_out(state)}" if has_no_room(state) else what


def has_no_room(path: Path) -> bool:
    """Tell whether the disk where the path stands, or would, is full."""
    return _left(path) < _LITTLE


def way_out(path: Path) -> str:
    """Say what to do about the full disk of the path."""
    return (
        f"its disk has {_left(path) / 1_000_000:.1f} MB left: make room there, or set LGSP_DATA to"
        " a folder on another disk"
    )


def refused(path: Path) -> str:
    """Say why the path cannot be written, and the way out; "" when nothing seems to hinder."""
    return way_out(path) if has_no_room(path) else not_ours(path)


def not_ours(path: Path) -> str:
    """Say whose the path is that this user may not write, and the way out; "" when he may."""
    for place in (path, *path.absolute().parents):
        try:
            owner = place.stat().st_uid
        except OSError:  # not there yet, or in a folder that we may not enter
            continue
        if os.access(place, os.W_OK | os.X_OK if place.is_dir() else os.W_OK):
            return ""
        if owner == os.geteuid():
            return f"this user may not write {place}: change its mode, or set LGSP_DATA"
        return (
            f"{place} belongs to user {_name(owner)}, and this is {_name(os.geteuid())}: run it as"
            " that user, or set LGSP_DATA to a folder of your own"
        )
    return ""


def show_disk(place: Path) -> None:
    """Show room and size of the disk of the place in the metrics, as they are when asked for."""
    metrics.DISK_FREE.set_function(lambda: float(_usage(place)[0]))
    metrics.DISK_SIZE.set_function(lambda: float(_usage(place)[1]))


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _left(path: Path) -> int:
    return _usage(path)[0]


def _usage(path: Path) -> tuple[int, int]:
    """Return the bytes left and in all of the disk where the path stands, or would."""
    for folder in (path, *path.absolute().parents):
        try:
            found = shutil.disk_usage(folder)
        except OSError:  # not there yet
            continue
        return found.free, found.total
    return 0, 0
