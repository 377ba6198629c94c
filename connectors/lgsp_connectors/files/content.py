"""The content of one file as text in chunks: unpacked, bounded, and how it is written."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lgsp.domain.errors import RejectReason
from lgsp_connectors.files.encodings import Encoding, find_encoding, narrowed
from lgsp_connectors.files.lines import find_line_end
from lgsp_connectors.files.settings import Source
from lgsp_connectors.files.stored import MB, Stored, Torn, inflate, torn

_HEAD = 64 * 1024
_WORKBOOKS = (".xlsx", ".xlsm")
_JSON = (".json", ".jsonl", ".ndjson")
_FOREIGN = (
    (b"PK\x03\x04", "a packed file or a workbook: name it .xlsx if it is one"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as .xlsx, or export CSV"),
    (b"\x1f\x8b", "compressed: let its name end in .gz"),
    (b"%PDF", "a PDF: export CSV"),
)
_HTML = re.compile(rb"\s*(<!doctype html|<html|<table)", re.IGNORECASE)


class Form(NamedTuple):
    """What a file's name says of it, in any case of its letters."""

    packed: bool
    workbook: bool
    json: bool


def form_of(name: str) -> Form:
    """Tell a file's form by its name; what is neither workbook nor JSON is CSV."""
    base = name.lower()
    packed = base.endswith(".gz")
    suffix = os.path.splitext(base.removesuffix(".gz"))[1]
    return Form(packed, suffix in _WORKBOOKS, suffix in _JSON)


class Content:
    """Unpacks one file, from its start or, where that is possible, from a place on.

    Args:
        stored: its bytes.
        form: what it is.
        source: limits and encoding.
    """

    def __init__(self, stored: Stored, form: Form, source: Source) -> None:
        self._stored, self._form, self._source = stored, form, source
        self.made = 0

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Give the content; Torn when it is damaged, ends early or is larger than allowed."""
        limits = self._source.limits
        chunks = self._stored.chunks(start)
        if self._form.packed:
            chunks = inflate(chunks, limits, lambda: self._stored.digested)
        self.made = start
        for chunk in chunks:
            self.made += len(chunk)
            if self.made > limits.file_mb * MB:
                raise torn(
                    RejectReason.UNREADABLE,
                    f"the content is larger than {limits.file_mb:g} MB (source.limits.file_mb):"
                    " split it, or raise the limit",
                )
            yield chunk

    def text(self) -> "Text":
        """Look at the beginning, and give the whole as text; Torn when it is no text."""
        raw_head, chunks = _peek(self.chunks())
        for magic, what in _FOREIGN:
            if raw_head.startswith(magic):
                raise torn(RejectReason.UNREADABLE, f"the file is {what}")
        if _HTML.match(raw_head):
            raise torn(RejectReason.UNREADABLE, "the file is a web page, whatever its name says")
        encoding = find_encoding(raw_head, self._source.encoding)
        head, chunks = _peek(narrowed(chunks, encoding))
        return Text(head, chunks, encoding, find_line_end(head), not self._form.packed)


class Text(NamedTuple):
    """Content as text: its beginning, all of it, and how it is written."""

    head: bytes
    chunks: Iterator[bytes]
    encoding: Encoding
    line_end: bytes
    plain: bool

    @property
    def seekable(self) -> bool:
        """Whether one can go on in the middle: a place in the content is one in the file."""
        return self.plain and not self.encoding.wide

    @property
    def blank(self) -> bool:
        """Whether nothing but blanks and line ends stands in it."""
        return len(self.head) < _HEAD and not self.head.strip()

    @property
    def is_array(self) -> bool:
        """Whether it is one JSON array."""
        return self.head.lstrip()[:1] == b"["

    @property
    def dialect(self) -> str:
        """How it is written; a file read on must be written so still."""
        return f"{self.encoding.codec}/{self.line_end[0]}"


def _peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Give the beginning, and everything; where the data are torn, the end tells."""
    source = iter(chunks)
    taken: list[bytes] = []
    size = 0
    end: Torn | None = None
    try:
        for chunk in source:
            taken.append(chunk)
            size += len(chunk)
            if size >= _HEAD:
                break
    except Torn as fault:
        end = fault
    head = b"".join(taken)
    return head[:_HEAD], _again(head, source, end)


def _again(head: bytes, rest: Iterator[bytes], end: Torn | None) -> Iterator[bytes]:
    yield head
    yield from rest
    if end is not None:
        raise end
