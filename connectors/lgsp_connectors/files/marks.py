"""How far a file has been read, and whether it is still the same file: one text in the cursor."""

import os
from typing import Literal, NamedTuple, Self

State = Literal["open", "tail", "done", "empty", "refused", "denied"]

UNUSABLE = ("refused", "denied")
"""States (and beginnings of texts) of files that cannot be used as they stand."""


class Stamp(NamedTuple):
    """What one `stat` tells of a file's content: any write changes it.

    The time of change stands beside the time of writing, because the latter can be set back.
    """

    size: int
    mtime: int
    ctime: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Take the stamp from a stat; times in ns."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class Mark(NamedTuple):
    """Where the reading of one file stands.

    Args:
        state: `open` (more rows follow), `tail` (all but a last row that may still be written),
            `done`, `empty` (has stood still without any content), `refused` (cannot be used as it
            stands, wholly or from here on) or `denied` (cannot be opened: tried again at each
            look).
        sure: the file stood still before it was read, or was digested again since.
        stamp: the file's when it was opened.
        since: when that stamp was first seen, ms UTC by our clock.
        written: when what stands there was written, ms UTC: orders what the file states.
        rows: rows or lines passed.
        position: where the next row begins in the stored bytes; 0 where one cannot go on in the
            middle (compressed, UTF-16, whole documents).
        digested: stored bytes under the digest: all that were read, from the first one.
        digest: theirs.
        dialect: how the text was found to be written.
        how: fingerprint of the YAML by which it was read.
    """

    state: State
    sure: bool
    stamp: Stamp
    since: int
    written: int
    rows: int
    position: int
    digested: int
    digest: str
    dialect: str
    how: str

    def text(self) -> str:
        """Give the mark as it stands in the cursor."""
        state, sure, stamp, *rest = self
        return ":".join(map(str, (state, int(sure), *stamp, *rest)))


def parse_mark(text: str | None) -> Mark | None:
    """Read what `Mark.text` wrote; None for no text, or for one of another version."""
    parts = (text or "").split(":")
    if len(parts) != 14:
        return None
    size, mtime, ctime, inode, since, written, rows, position, digested = map(int, parts[2:11])
    return Mark(
        parts[0],  # type: ignore[arg-type]
        parts[1] == "1",
        Stamp(size, mtime, ctime, inode),
        since,
        written,
        rows,
        position,
        digested,
        *parts[11:],
    )
