"""Files that only their owner may read: keys, state, and what a mock keeps of persons."""

import os
from contextlib import suppress
from pathlib import Path


def create_private(path: Path) -> None:
    """Make an empty file with mode 0600, whatever the umask; a file that exists is left as it is.

    What cannot be made is left to whoever opens it, who says why.
    """
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.fchmod(file, 0o600)
        finally:
            os.close(file)
