"""What of a portal is on the log already: read again, it is not sent again.

An overlap, a full pass or a restart reads once more what was read before. This memory makes that
free; without it the same events go to the log again, with the same ids, and change nothing.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Any

import numpy as np
import structlog

from lgsp_connectors.kit.memory.state import open_append, read_all

_MAGIC = b"lgspsent"
_FRAME = struct.Struct("<QI")  # turn, number of ids that follow
_ID = 16
_MERGE = 100_000  # young ids that are worth sorting into the old ones
_MOST = 10_000_000  # 160 MB: then it begins anew
_log = structlog.get_logger()


class Sent:
    """The 16-byte ids of all events and rejects that one connector has put on the log.

    It never knows more than the log does: ids are kept after the checkpoint that stands behind
    them, and the checkpoint carries a token of this memory. A memory whose token is not the
    checkpoint's (the log was set back or made anew, the file is another installation's) is
    forgotten, and so is one whose checkpoint is gone. A file that ends in a torn frame, or cannot
    be written any more, costs repeats.

    Args:
        path: its file; None: a memory for this process only.

    Raises:
        FatalError: another process uses the file, or its folder cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = open_append(path) if path else None
        self._name, self._turn = b"", 0
        self._old = _Old()
        self._young: set[bytes] = set()
        self._pending: dict[bytes, None] = {}
        self._load(read_all(self._file) if self._file is not None else b"")

    def resume(self, token: str) -> bool:
        """Begin a run behind a checkpoint with this token ("": there is none).

        Returns:
            Whether the memory had to begin anew.
        """
        self.drop()
        name, _, turn = token.partition("/")
        if name != self._name.hex() or not turn.isdecimal() or int(turn) < self._turn:
            self._begin_anew()
            return True
        self._turn = int(turn)
        return False

    def fresh(self, ids: Sequence[bytes]) -> set[bytes]:
        """Give those of `ids` that were not sent, and remember them once `keep` is called."""
        young, pending = self._young, self._pending
        found = {i for i in self._unknown(ids) if i not in young and i not in pending}
        pending.update(dict.fromkeys(found))
        return found

    @property
    def pending(self) -> bool:
        """Tell whether there is something to keep."""
        return bool(self._pending)

    def token(self) -> str:
        """Give what the checkpoint must carry that is stored before `keep`."""
        return f"{self._name.hex()}/{self._turn + 1}"

    def keep(self) -> None:
        """Remember what `fresh` gave since the last time; it is on the log, like the token."""
        self._turn += 1
        if not self._pending:
            return
        self._write(_FRAME.pack(self._turn, len(self._pending)) + b"".join(self._pending))
        self._young.update(self._pending)
        self._pending.clear()
        if len(self._young) >= _MERGE:
            self._merge()

    def drop(self) -> None:
        """Forget what was not kept."""
        self._pending.clear()

    def close(self) -> None:
        """Close the file; what was not kept is forgotten."""
        self.drop()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _unknown(self, ids: Sequence[bytes]) -> Iterator[bytes]:
        """Give the ids that are not among the old ones."""
        known = self._old.holds(b"".join(ids))
        return (id_ for id_, is_known in zip(ids, known, strict=True) if not is_known)

    def _merge(self) -> None:
        self._old.add(b"".join(self._young))
        self._young.clear()
        if len(self._old) > _MOST:
            _log.warning(
                "memory_full", ids=len(self._old), then="what is read again is sent again"
            )
            self._begin_anew()

    def _load(self, content: bytes) -> None:
        head = len(_MAGIC) + 8
        if len(content) < head or not content.startswith(_MAGIC):
            self._begin_anew()
            return
        self._name = content[len(_MAGIC) : head]
        frames, at = [], head
        while at + _FRAME.size <= len(content):
            turn, count = _FRAME.unpack_from(content, at)
            end = at + _FRAME.size + count * _ID
            if turn <= self._turn or end > len(content):
                break
            frames.append(content[at + _FRAME.size : end])
            self._turn, at = turn, end
        if at < len(content) and self._file is not None:
            os.ftruncate(self._file, at)
        self._old.add(b"".join(frames))

    def _begin_anew(self) -> None:
        self._name, self._turn = token_bytes(8), 0
        self._old = _Old()
        self._young.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)
        self._write(_MAGIC + self._name)

    def _write(self, content: bytes) -> None:
        if self._file is None:
            return
        try:
            if os.write(self._file, content) == len(content):
                return
            reason = "no space left"
        except OSError as error:
            reason = error.strerror or str(error)
        _log.warning("memory_not_written", reason=reason, then="a restart sends again")
        os.close(self._file)
        self._file = None


class _Old:
    """A sorted set of 16-byte ids: 16 bytes each, asked in bulk."""

    def __init__(self) -> None:
        self._high = self._low = np.empty(0, "<u8")

    def __len__(self) -> int:
        return len(self._high)

    def add(self, ids: bytes) -> None:
        """Add ids, given one after the other."""
        high, low = _halves(ids)
        order = np.argsort(high)
        at = np.searchsorted(self._high, high[order])
        self._high = np.insert(self._high, at, high[order])
        self._low = np.insert(self._low, at, low[order])

    def holds(self, ids: bytes) -> list[bool]:
        """Tell of each id whether it is here; a first half that two share may deny the second."""
        high, low = _halves(ids)
        if not len(self):
            return [False] * len(high)
        at = np.minimum(np.searchsorted(self._high, high), len(self) - 1)
        found: list[bool] = ((self._high[at] == high) & (self._low[at] == low)).tolist()
        return found


def _halves(ids: bytes) -> tuple[Any, Any]:
    both = np.frombuffer(ids, "<u8").reshape(-1, 2)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
