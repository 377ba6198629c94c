"""The stored bytes of one file: read once from the start to the end, each under the digest."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import BinaryIO

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.files.settings import Limits

MB = 1_000_000
CHUNK = 256 * 1024
_GZIP = 31  # zlib: gzip container with a 32 KiB window, its checksum verified
_RATIO_FROM = 16 * MB  # a small content may be as repetitive as it likes


class Torn(Exception):  # noqa: N818 - it is what the file is
    """The data cannot be read on from here.

    Args:
        cause: what is wrong.
        number: the line or row at fault; 0: the file as a whole; None: the one that would follow.
        may_grow: they end early, and may still be written on.
    """

    def __init__(
        self, cause: RejectedRecord, *, number: int | None = None, may_grow: bool = False
    ) -> None:
        super().__init__(str(cause))
        self.cause, self.number, self.may_grow = cause, number, may_grow


def torn(
    reason: RejectReason, detail: str, *, number: int | None = None, may_grow: bool = False
) -> Torn:
    """Make the fault of data that cannot be read on."""
    return Torn(RejectedRecord(reason, detail=detail), number=number, may_grow=may_grow)


class Stored:
    """Reads a file and digests each of its bytes, once.

    Args:
        file: opened for reading bytes.
        halt: called between two chunks; raises when the work is to end.
    """

    def __init__(self, file: BinaryIO, halt: Callable[[], None]) -> None:
        self._file, self._halt = file, halt
        self._hash = blake2b(digest_size=16)
        self.digested = 0

    @property
    def digest(self) -> str:
        """Digest of the first `digested` bytes."""
        return self._hash.copy().hexdigest()

    def begins_with(self, count: int, digest: str) -> bool:
        """Tell whether the first `count` bytes are those of `digest`; only on a new object."""
        for _ in self.chunks(0, count):
            pass
        return self.digested == count and self.digest == digest

    def chunks(self, start: int, end: int | None = None) -> Iterator[bytes]:
        """Read from `start` on, to the end of the file or to `end`."""
        self._file.seek(start)
        at = start
        while end is None or at < end:
            self._halt()
            chunk = self._file.read(CHUNK if end is None else min(CHUNK, end - at))
            if not chunk:
                return
            at += len(chunk)
            if at > self.digested:
                self._hash.update(chunk[self.digested - at :])
                self.digested = at
            yield chunk


def inflate(chunks: Iterable[bytes], limits: Limits, read: Callable[[], int]) -> Iterator[bytes]:
    """Decompress gzip member after member, a bounded piece at a time.

    Args:
        chunks: the compressed bytes.
        limits: of the content.
        read: gives the compressed bytes read so far.

    Raises:
        Torn: TRUNCATED when the data end early (they may grow), UNREADABLE when they are damaged
            or stand for more than the limits allow.
    """
    member = zlib.decompressobj(_GZIP)
    started, made = False, 0
    for chunk in chunks:
        pending = chunk
        while pending:
            if member.eof:
                pending = pending.lstrip(b"\0")  # padding between and after members is legal
                if not pending:
                    break
                member = zlib.decompressobj(_GZIP)
            started = True
            try:
                piece = member.decompress(pending, CHUNK)
            except zlib.error as error:
                raise torn(
                    RejectReason.UNREADABLE, f"the compressed data are damaged: {error}"
                ) from error
            pending = member.unused_data if member.eof else member.unconsumed_tail
            made += len(piece)
            if made > _RATIO_FROM and made > limits.ratio * read():
                raise torn(
                    RejectReason.UNREADABLE,
                    f"one compressed byte stands for more than {limits.ratio:g} bytes of content"
                    " (source.limits.ratio)",
                )
            if piece:
                yield piece
    while not member.eof and (piece := member.decompress(member.unconsumed_tail, CHUNK)):
        yield piece
    if not member.eof or not started:
        raise torn(
            RejectReason.TRUNCATED,
            "the compressed data end before their end mark",
            may_grow=True,
        )
