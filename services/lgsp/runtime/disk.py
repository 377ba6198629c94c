"""A disk that is full: which one, how much is left, and the way out."""

import errno
import shutil
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LITTLE = 1_000_000  # bytes, with which nothing of ours can work


def is_full(error: OSError) -> bool:
    """Tell whether the system refused to write because a disk, or somebody's share, is full."""
    return error.errno in _FULL


def describe(error: OSError, state: Path) -> str:
    """Say what the system refused, of which file, and for a full disk the way out.

    Args:
        error: as it was met; writing into an open file names none.
        state: folder of our state: named when the error names no file, and its disk is full.
    """
    what = error.strerror or str(error) or type(error).__name__
    if not is_full(error):
        return f"{error.filename}: {what}" if error.filename else what
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


def _left(path: Path) -> int:
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:  # not there yet
            continue
    return 0
