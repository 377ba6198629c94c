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

from lgsp.domain.details import BITS, MOST
from lgsp.runtime.avro.layouts import LAYOUTS, Layout, most_numbers

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

UNKNOWN = np.iinfo(np.int64).min
"""Stands for null in a column of optional longs."""

_HEADER_SIZE = 5
_HEADER_MASK = np.uint64((1 << 8 * _HEADER_SIZE) - 1)
_WORD = 8
# Behind the records, for cursors that have left the last one.
_PADDING = bytes(_WORD * (1 + max(most_numbers(layout.fields) for layout in LAYOUTS)))

_CONTINUES = np.uint64(0x8080808080808080)
_PAYLOAD = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONE = np.uint64(1)
_LONGER = 0x80  # the bit that says: another byte follows
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
    Items of an optional record are named `record.item`; `record` itself is 1 where it is there.
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
    """Decode framed records of one schema version, the one most of them have.

    All others are marked as not ok: versions are mixed only while a log changes over.
    """
    framed = [value or b"" for value in values]
    data = b"".join(framed) + _PADDING
    words: Words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    count = len(values)
    lengths = np.fromiter(map(len, framed), np.int64, count)
    last = np.cumsum(lengths)
    begin = last - lengths
    heads = words[begin] & _HEADER_MASK
    heads[lengths < _HEADER_SIZE] = 0
    layout = max(LAYOUTS, key=lambda known: np.count_nonzero(heads == known.header))
    reader = _Reader(data, words, begin, last, heads == layout.header)
    return Columns(data, words, reader.read(layout), reader.numbers, reader.starts, reader.ends)


def packed_details(columns: Columns, index: Ints) -> Words:
    """Give the `details` of the records at the index as lgsp.domain.details.pack does."""
    packed = np.zeros(len(index), np.uint64)
    if not columns.numbers["details"][index].any():
        return packed
    shift = 0
    for name, bits in BITS:
        number = columns.numbers[f"details.{name}"][index]
        if name in MOST:
            number = np.where(number == UNKNOWN, 0, np.clip(number, 0, MOST[name]) + 1)
        packed |= number.astype(np.uint64) << np.uint64(shift)
        shift += bits
    return packed


class _Reader:
    """The cursors of one decoding, and what they have read so far.

    A cursor only moves on, so one that has left its record does not stand at the record's end when
    all fields are read: that is asked once, at the end, and not field by field.
    """

    def __init__(self, data: bytes, words: Words, begin: Ints, last: Ints, ok: Flags) -> None:
        self._bytes = np.frombuffer(data, np.uint8)
        self._words = words
        self._last = last
        self._ok = ok
        self._at = begin + _HEADER_SIZE
        self.numbers: dict[str, Ints] = {}
        self.starts: dict[str, Ints] = {}
        self.ends: dict[str, Ints] = {}

    def read(self, layout: Layout) -> Flags:
        """Read every field; return which records are right to the last byte."""
        for name, kind, bound in layout.fields:
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
                byte = self._bytes[self._at]
                self._ok &= byte < 2
                self._at = self._at + 1
                self.numbers[name] = byte.astype(np.int64)
            else:
                self._optional(name, kind, bound)
        self._ok &= self._at == self._last
        for name, kind, bound in layout.absent:
            self._lack(name, kind, bound)
        return self._ok

    def _optional(self, name: str, kind: str, items: Any, among: Flags | None = None) -> None:
        """Read a union of null and something, in this order, of the records `among`."""
        branch = self._long(among)
        if among is not None:
            branch = np.where(among, branch, 0)
        there = branch == 1
        self._ok &= there | (branch == 0)
        if not there.any():
            self._lack(name, kind, items)
        elif kind == "optional record":
            self.numbers[name] = branch
            self._record(name, items, there)
        elif kind == "optional bytes":
            self._span(name, np.where(there, self._long(there), 0))
        else:
            self.numbers[name] = np.where(there, self._long(there), UNKNOWN)

    def _record(self, name: str, items: Any, there: Flags) -> None:
        """Read the items of a record, which are enums and optional longs, where it is `there`."""
        for item, kind, bound in items:
            full = f"{name}.{item}"
            if kind == "number":
                number = np.where(there, self._long(there), 0)
                self._ok &= (number >= 0) & (number < bound)
                self.numbers[full] = number
            else:
                self._optional(full, kind, bound, there)

    def _lack(self, name: str, kind: str, items: Any) -> None:
        """Give a field that no record has its default: empty, null, 0 or UNKNOWN."""
        if kind in {"text", "optional bytes"}:
            self.starts[name] = self.ends[name] = self._at
        elif kind == "optional long":
            self.numbers[name] = np.full(len(self._last), UNKNOWN)
        else:
            self.numbers[name] = np.zeros(len(self._last), np.int64)
        if kind == "optional record":
            for item, inner, bound in items:
                self._lack(f"{name}.{item}", inner, bound)

    def _long(self, there: Flags | None = None) -> Ints:
        """Read a zigzag varint of at most 8 bytes at each cursor (where `there`)."""
        if there is None:
            byte = self._bytes[self._at]
            if byte.max(initial=0) < _LONGER:  # so is nearly every enum, branch and length
                self._at = self._at + 1
                return ((byte >> 1) ^ -(byte & 1)).view(np.int8).astype(np.int64)
        word = self._words[self._at]
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
        self._at = self._at + size
        return value

    def _span(self, name: str, length: Any) -> None:
        """Skip bytes, at most to the record's end: a wrong length names no other's bytes."""
        start = self._at
        end = start + length
        self._ok &= (length >= 0) & (end <= self._last)
        self._at = np.clip(end, start, np.maximum(start, self._last))
        self.starts[name], self.ends[name] = start, self._at
