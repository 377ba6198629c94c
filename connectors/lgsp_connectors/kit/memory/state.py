"""Files of what a connector remembers on this machine: they save work, and may be lost."""

import fcntl
import os
from pathlib import Path

from lgsp.domain.errors import FatalError


def state_file(data: Path, portal: str, what: str) -> Path:
    """Give the place of what a portal's connector remembers of `what` in the data folder."""
    return data / "connectors" / f"{portal}.{what}"


def open_append(path: Path) -> int:
    """Open a file for this process alone, to be read and appended to; give its descriptor.

    The file is made with its folder, readable by its owner only.

    Raises:
        FatalError: another process has it open, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise FatalError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise FatalError(f"{path}: another process reads this portal") from error
    return file


def read_all(file: int) -> bytes:
    """Read the whole file."""
    with open(os.dup(file), "rb") as content:
        content.seek(0)
        return content.read()
