"""Columnar decoding of `dossier-events`: a list of records at once, field by field, with numpy.

One cursor a record walks the fields in the schema's order, all cursors in lock step. What is not
plainly right is not judged here: such a record is marked and left to codec.decode_event, which
knows older and newer schemas and gives the cause of a rejection. So a bad record hurts itself
only, and both ways of reading agree on every record.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import lgsp_schemas
from lgsp.runtime.avro.codec import EVENTS, MAGIC

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

UNKNOWN = np.iinfo(np.int64).min
"""Stands for null in a column of optional longs."""

_HEADER = MAGIC.to_bytes(1, "big") + EVENTS.schema_id.to_bytes(4, "big")
_HEADER_WORD = np.uint64(int.from_bytes(_HEADER, "little"))
_HEADER_MASK = np.uint64((1 << 8 * len(_HEADER)) - 1)
_PADDING = bytes(16)  # a word may be read at every cursor, the last record's end included

_CONTINUES = np.uint64(0x8080808080808080)
_PAYLOAD = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONE = np.uint64(1)
_BYTE, _LONGER = np.uint64(0x7F), np.uint64(0x80)
# A varint carries 7 bits a byte: pairs of bytes are joined, then of 14 bits, then of 28.
_JOINS = tuple(
    (np.uint64(low), np.uint64(high), np.uint64(shift))
    for low, high, shift in (
        (0x007F007F007F007F, 0x7F007F007F007F00, 1),
        (0x00003FFF00003FFF, 0x3FFF00003FFF0000, 2),
        (0x000000000FFFFFFF, 0x0FFFFFFF00000000, 4),
    )
)


class Columns(NamedTuple):
    """Decoded records; rows where `ok` is false hold nothing of meaning.

    `numbers` has the longs, enums (index) and booleans (0, 1) by field name; null is UNKNOWN.
    `starts` and `ends` bound the bytes of texts and fixed fields within `data`; they are not
    checked to be UTF-8. `words` is `data` read as a little-endian word at every byte.
    """

    data: bytes
    words: Words
    ok: Flags
    numbers: dict[str, Ints]
    starts: dict[str, Ints]
    ends: dict[str, Ints]


def decode_columns(values: Sequence[bytes | None]) -> Columns:
    """Decode framed records of the newest schema; mark all others as not ok."""
    framed = [value or b"" for value in values]
    data = b"".join(framed) + _PADDING
    words: Words = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    count = len(values)
    lengths = np.fromiter(map(len, framed), np.int64, count)
    last = np.cumsum(lengths)
    begin = last - lengths
    reader = _Reader(words, begin, last)
    return Columns(data, words, reader.read(), reader.numbers, reader.starts, reader.ends)


class _Reader:
    """The cursors of one decoding, and what they have read so far."""

    def __init__(self, words: Words, begin: Ints, last: Ints) -> None:
        self._words = words
        self._last = last
        self._ok: Flags = (last - begin >= len(_HEADER)) & (
            (words[begin] & _HEADER_MASK) == _HEADER_WORD
        )
        self._at = np.minimum(begin + len(_HEADER), last)
        self.numbers: dict[str, Ints] = {}
        self.starts: dict[str, Ints] = {}
        self.ends: dict[str, Ints] = {}

    def read(self) -> Flags:
        """Read every field; return which records are right to the last byte."""
        for name, kind, bound in _FIELDS:
            if kind == "fixed":
                self._span(name, np.int64(bound))
            elif kind == "text":
                self._span(name, self._long())
            elif kind == "number":
                number = self._long()
                if bound:
                    self._ok &= (number >= 0) & (number < bound)
                self.numbers[name] = number
            elif kind == "boolean":
                byte = (self._words[self._at] & np.uint64(0xFF)).view(np.int64)
                self._ok &= byte < 2
                self._skip(np.int64(1))
                self.numbers[name] = byte
            else:
                self._optional(name, kind)
        self._ok &= self._at == self._last
        return self._ok

    def _optional(self, name: str, kind: str) -> None:
        """Read a union of null and something, in this order."""
        branch = self._long()
        self._ok &= (branch == 0) | (branch == 1)
        there = branch == 1
        value = self._long(there)
        if kind == "optional bytes":
            self._span(name, np.where(there, value, 0))
        else:
            self.numbers[name] = np.where(there, value, UNKNOWN)

    def _long(self, there: Flags | None = None) -> Ints:
        """Read a zigzag varint of at most 8 bytes at each cursor (where `there`)."""
        word = self._words[self._at]
        if there is None and not (word & _LONGER).any():
            # Nearly every enum, branch and length is one byte.
            self._ok &= self._at < self._last
            self._skip(np.int64(1))
            return (((word & _BYTE) >> _ONE) ^ -(word & _ONE)).view(np.int64)
        stop = ~word & _CONTINUES
        stop &= ~stop + _ONE  # only the lowest: the top bit of the varint's last byte
        below = stop - _ONE
        size = (np.bitwise_count(below).astype(np.int64) + 1) >> 3
        ended = stop != 0
        # A last byte of 0 says nothing: the long way to write a number is left to the codec.
        ended &= (size == 1) | (word & below & ~(below >> np.uint64(7)) != 0)
        number = word & below & _PAYLOAD
        for low, high, shift in _JOINS:
            number = (number & low) | ((number & high) >> shift)
        value = (number >> _ONE).view(np.int64) ^ -(number & _ONE).view(np.int64)
        if there is not None:
            ended |= ~there
            size *= there
        self._ok &= ended
        self._skip(size)
        return value

    def _span(self, name: str, length: Any) -> None:
        start = self._at
        self._ok &= length >= 0
        self._skip(length)
        self.starts[name], self.ends[name] = start, self._at

    def _skip(self, length: Any) -> None:
        """Move the cursors on, never past their records' ends."""
        room = self._last - self._at
        self._ok &= length <= room
        self._at = self._at + np.minimum(np.maximum(length, 0), room)


def _plan(schema: dict[str, Any]) -> tuple[tuple[str, str, int], ...]:
    """List name, kind and bound of each field of the record schema, in order.

    Raises:
        NotImplementedError: a field is of a type that no column is made of.
    """
    return tuple((field["name"], *_kind(field["type"])) for field in schema["fields"])


def _kind(node: Any) -> tuple[str, int]:
    if isinstance(node, dict) and node["type"] == "fixed":
        return "fixed", int(node["size"])
    if isinstance(node, dict) and node["type"] == "enum":
        return "number", len(node["symbols"])
    if isinstance(node, list) and len(node) == 2 and node[0] == "null":
        return f"optional {_simple(node[1])}", 0
    name = _simple(node)
    kinds = {"string": "text", "long": "number", "boolean": "boolean"}
    if name not in kinds:
        raise NotImplementedError(f"no column for the Avro type {node!r}")
    return kinds[name], 0


def _simple(node: Any) -> str:
    return str(node["type"] if isinstance(node, dict) else node)


_FIELDS = _plan(lgsp_schemas.load("dossier_event"))
