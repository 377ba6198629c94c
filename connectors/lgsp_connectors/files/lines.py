"""The lines of a plain or gzipped file from a known place on; good lines before the fault."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason

_CHUNK = 256 * 1024
_GZIP = 31  # zlib: gzip container with a 32 KiB window, its checksum verified


class Line(NamedTuple):
    """One physical line, without its end; `seen` is the stored bytes consumed once it is done.

    The last line of a file that does not end in a newline leaves `seen` at its start: more of it
    may still be written.
    """

    number: int
    raw: bytes
    seen: int


def is_gzip(path: Path) -> bool:
    """Tell whether the file is read as gzip, by its name."""
    return path.suffix == ".gz"


def read_lines(path: Path, *, done: int = 0, seen: int = 0) -> Iterator[Line]:
    """Read the lines after the first `done`, which end `seen` bytes into a plain file.

    Raises:
        RejectedRecord: TRUNCATED or UNREADABLE after the last good line, when the compressed data
            end early or are damaged; `value` is empty, `detail` says where.
    """
    with path.open("rb") as file:
        if is_gzip(path):
            yield from _skip(_split(_inflate(file), 0, 0, file), done)
        else:
            file.seek(seen)
            yield from _split(iter(lambda: file.read(_CHUNK), b""), done, seen, None)


def _skip(lines: Iterator[Line], done: int) -> Iterator[Line]:
    return (line for line in lines if line.number > done)


def _split(
    chunks: Iterator[bytes], number: int, seen: int, compressed: BinaryIO | None
) -> Iterator[Line]:
    rest = b""
    for chunk in chunks:
        parts = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        rest = parts.pop()
        at = compressed.tell() if compressed else 0
        for raw in parts:
            number += 1
            seen = at if compressed else seen + len(raw) + 1
            yield Line(number, raw, seen)
    if rest:
        yield Line(number + 1, rest, compressed.tell() if compressed else seen)


def _inflate(file: BinaryIO) -> Iterator[bytes]:
    """Decompress member after member, a bounded piece at a time."""
    member = zlib.decompressobj(_GZIP)
    started = False
    while pending := file.read(_CHUNK):
        while pending:
            if member.eof:
                pending = pending.lstrip(b"\0")  # padding between and after members is legal
                if not pending:
                    break
                member = zlib.decompressobj(_GZIP)
            started = True
            try:
                piece = member.decompress(pending, _CHUNK)
            except zlib.error as error:
                raise RejectedRecord(
                    RejectReason.UNREADABLE, detail=f"the compressed data are damaged: {error}"
                ) from error
            pending = member.unused_data if member.eof else member.unconsumed_tail
            if piece:
                yield piece
    while not member.eof and (piece := member.decompress(member.unconsumed_tail, _CHUNK)):
        yield piece
    if not member.eof or not started:
        raise RejectedRecord(
            RejectReason.TRUNCATED, detail="the compressed data end before their end mark"
        )
