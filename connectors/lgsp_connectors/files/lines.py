"""Physical lines of a content, however it ends them; an endless line is cut, not collected."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_QUOTED = re.compile(rb'"[^"]*"')
_KEPT = 1024  # bytes kept of a line that is too long


class Line(NamedTuple):
    """One line without its end.

    `after` is the place behind its end in the content. `whole`: an end was there. `long`: it was
    longer than allowed, and only its beginning is kept.
    """

    number: int
    raw: bytes
    start: int
    after: int
    whole: bool = True
    long: bool = False


def find_line_end(head: bytes) -> bytes:
    r"""Give `\r` for a content that ends its lines by it alone (old Mac), else `\n`.

    Line ends inside of quotes do not count; before `\n` a `\r` is dropped by the reader.
    """
    bare = _QUOTED.sub(b"", head)
    return b"\r" if b"\r" in bare[:-1] and b"\n" not in bare else b"\n"


def split_lines(
    chunks: Iterable[bytes], end: bytes, longest: int, *, number: int = 0, start: int = 0
) -> Iterator[Line]:
    r"""Split a content into lines, in time linear in its length and memory of the longest line.

    Args:
        chunks: the content.
        end: what ends a line; a `\r` before `\n` goes with it.
        longest: bytes of the longest line that is kept.
        number: lines before.
        start: place of the first chunk in the content.
    """
    held: list[bytes] = []
    size, at = 0, start
    for chunk in chunks:
        parts = chunk.split(end)
        last = parts.pop()
        for part in parts:
            number += 1
            size += len(part)
            raw = b"".join((*held, part)) if held else part
            held = []
            after = at + size + 1
            if size > longest:
                yield Line(number, raw[:_KEPT], at, after, long=True)
            elif end == b"\n" and raw.endswith(b"\r"):
                yield Line(number, raw[:-1], at, after)
            else:
                yield Line(number, raw, at, after)
            at, size = after, 0
        if last:
            size += len(last)
            held.append(last)
            if size > longest:
                held = [b"".join(held)[:_KEPT]]
    if size:
        raw = b"".join(held)
        yield Line(number + 1, raw, at, at + size, whole=False, long=size > longest)
