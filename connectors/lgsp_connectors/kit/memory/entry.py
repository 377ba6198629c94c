"""What was last stated of one dossier, in digests only."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from lgsp.domain.event import (
    DossierEvent,
    instant_of,
)
from lgsp_connectors.kit.memory.filing import OWNER, Filing

STATUS, ATTRIBUTES, _FILE = 6, 4, 4
"""Bytes of the digest of a status with its time, of its attributes, of a file's name."""
_HEAD = Struct(f"<Bqqqq{_FILE}sq{OWNER}s{OWNER}s")
_NO_FILE = bytes(_FILE)


class Entry(NamedTuple):
    """What was last stated of one dossier.

    Args:
        stated: the digest of each status with its time, and of the attributes stated with it.
        paused: the pausing status that was shown last (0: none).
        shown_at: when it was (ms UTC).
        said: the order of that statement (lgsp.domain.event.statement_of); 0: it has none.
        written: the order of the last statement that was news, as it was sent to the log.
        aside: the order of the last older word that was sent.
        file: digest of the file that made the statement.
        filing: tells whose dossier it is.
        announced: what was about to be stated when a process died: the log may hold it, or a part
            of it, or none. It is kept beside the entry, not in it.
    """

    stated: Mapping[bytes, bytes] = {}
    paused: int = 0
    shown_at: int = 0
    said: int = 0
    written: int = 0
    aside: int = 0
    file: bytes = _NO_FILE
    filing: Filing = Filing()
    announced: "Entry | None" = None

    def encode(self) -> bytes:
        """Give the entry as bytes, without what was announced."""
        pairs = [status + attributes for status, attributes in self.stated.items()]
        return _HEAD.pack(*self[1:-2], *self.filing) + b"".join(pairs)

    @staticmethod
    def decode(raw: bytes) -> "Entry":
        """Read what `encode` gave."""
        size = STATUS + ATTRIBUTES
        stated = {
            raw[at : at + STATUS]: raw[at + STATUS : at + size]
            for at in range(_HEAD.size, len(raw), size)
        }
        paused, shown_at, said, written, aside, file, *filing = _HEAD.unpack_from(raw)
        return Entry(stated, paused, shown_at, said, written, aside, file, Filing(*filing))

    def ties(self, event: DossierEvent, file: str) -> bool:
        """Tell whether another file said something of the same instant: nothing orders the two."""
        return bool(
            event.stated_row
            and event.stated_at == instant_of(self.said)
            and _NO_FILE not in (self.file, digest_of_file(file))
            and self.file != digest_of_file(file)
        )


@lru_cache(1024)
def digest_of_file(name: str) -> bytes:
    """Digest the name of a file; of none it is all zeros."""
    return digest(_FILE, name) if name else _NO_FILE


def digest(size: int, *parts: object) -> bytes:
    """Digest texts and numbers, in that order, to so many bytes."""
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=size).digest()
