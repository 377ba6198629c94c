"""How far a file has been read, and whether it is still the same file: one text in the cursor."""

from hashlib import blake2b
from os import stat_result
from pathlib import Path
from typing import NamedTuple

_HEAD = 64 * 1024
_TAIL = 4 * 1024


class Mark(NamedTuple):
    """Where the reading of one file stands.

    `state` is `open` (more rows follow), `done`, or `refused-…` (its header does not fit the
    columns with that fingerprint). `size` and `mtime` are the file's when it was opened; `digest`
    covers the start and the end of the first `seen` stored bytes.
    """

    lines: int
    seen: int
    size: int
    mtime: int
    digest: str
    state: str

    def text(self) -> str:
        """Give the mark as it stands in the cursor."""
        return ":".join(map(str, self))


def parse_mark(text: str) -> Mark:
    """Read what `Mark.text` wrote."""
    lines, seen, size, mtime, digest, state = text.split(":")
    return Mark(int(lines), int(seen), int(size), int(mtime), digest, state)


def settled(mark: Mark | None, stat: stat_result, refused: str) -> bool:
    """Tell whether nothing is to be read: done or refused by the same columns, and not touched."""
    return (
        mark is not None
        and mark.state in {"done", refused}
        and (mark.size, mark.mtime) == (stat.st_size, stat.st_mtime_ns)
    )


def continues(mark: Mark, path: Path) -> bool:
    """Tell whether the file still starts with the bytes that were read."""
    return not mark.state.startswith("refused") and fingerprint(path, mark.seen) == mark.digest


def fingerprint(path: Path, seen: int) -> str:
    """Digest the start and the end of the first `seen` bytes; "" when the file is shorter."""
    digest = blake2b(digest_size=12)
    with path.open("rb") as file:
        digest.update(file.read(min(seen, _HEAD)))
        file.seek(max(0, seen - _TAIL))
        tail = file.read(min(seen, _TAIL))
        if file.tell() < seen:
            return ""
        digest.update(tail)
    return digest.hexdigest()
