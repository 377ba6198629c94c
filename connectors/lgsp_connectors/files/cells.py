"""Rows of delimited text: cells of one row, and rows that stand on several lines."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.files.encodings import undecodable
from lgsp_connectors.files.lines import Line
from lgsp_connectors.files.stored import MB, Torn

_LONGEST_ROW = 1000  # lines: a quote left open does not swallow the rest of the file
_CODE = re.compile(r"[\w./:+\-]{1,64}")
_DIGITS = re.compile(r"\d+")
_CLOSED = re.compile(r'([^"]*+(?:""[^"]*+)*+)"')  # the rest of a quoted cell, and its end


class TextRow(NamedTuple):
    """One row as it stands in the text: cells, or what is wrong with it.

    `number` is that of its first line and `start` its place; `lines` and `after` are where the
    text goes on behind it. `whole`: the text says that it ends here; else more of it may still be
    written.
    """

    number: int
    start: int
    lines: int
    after: int
    raw: bytes
    cells: list[str] | RejectedRecord
    whole: bool = True


class _Cells:
    """Takes the lines of one row until its quotes are closed, each line once.

    `open` holds the parts of a quoted cell that goes on in the next line; `fault` what is wrong.
    """

    def __init__(self, delimiter: str) -> None:
        blanks = " \t".replace(delimiter, "")
        self._delimiter = delimiter
        self._opens = re.compile(rf'[{blanks}]*+"').match
        self._ends = re.compile(rf"[{blanks}]*+(?:({re.escape(delimiter)})|\Z)").match
        self.cells: list[str] = []
        self.open: list[str] | None = None
        self.fault = ""

    def feed(self, text: str) -> None:
        """Take one line."""
        at: int | None = 0
        if self.open is not None:
            at = self._close(text, 0)
        while at is not None and not self.fault:
            if opened := self._opens(text, at):
                self.open = []
                at = self._close(text, opened.end())
                continue
            end = text.find(self._delimiter, at)
            self.cells.append(text[at:] if end < 0 else text[at:end])
            at = None if end < 0 else end + 1

    def _close(self, text: str, at: int) -> int | None:
        """Read a quoted cell on; give where the next cell begins, None at the end of the line."""
        assert self.open is not None  # noqa: S101 - only called inside of a quoted cell
        closed = _CLOSED.match(text, at)
        if closed is None:
            self.open.append(text[at:])
            return None
        self.open.append(closed[1])
        self.cells.append("\n".join(self.open).replace('""', '"'))
        self.open = None
        ended = self._ends(text, closed.end())
        if ended is None:
            self.fault = "a quote is not where it belongs"
            return None
        return ended.end() if ended[1] else None


def split_row(text: str, delimiter: str) -> list[str] | None:
    """Split a row of one line without any doubt; None when it needs a closer look."""
    if '"' not in text:
        return text.split(delimiter)
    if "\r" in text or "\n" in text or ' "' in text or '\t"' in text:
        return None  # blanks may stand before a quote
    try:
        return next(csv.reader((text,), _dialect(delimiter)))
    except csv.Error:
        return None


@lru_cache(8)
def _dialect(delimiter: str) -> Any:
    """Give the parsed dialect, which a reader takes as it is instead of parsing it again."""
    return csv.reader((), delimiter=delimiter, strict=True).dialect


class TextRows:
    """Joins lines into rows and splits them into cells; blank lines are no rows.

    A quoted line end joins lines, up to a thousand of them or `longest` bytes; when the quote is
    still open then, or rows stand within it, only the first line is at fault and the others are
    rows of their own. Where it is the content that ends, none of these is whole: more of it may
    close the quote.

    Args:
        lines: of the content.
        codec: their encoding.
        delimiter: between cells.
        longest: bytes of the longest row.
        final: nothing more is written: an open quote at the end is a fault, not half a row.
    """

    def __init__(
        self, lines: Iterator[Line], codec: str, delimiter: str, longest: int, *, final: bool
    ) -> None:
        self._lines, self._codec, self._delimiter = lines, codec, delimiter
        self._longest, self._final = longest, final
        self._again: list[Line] = []
        self._open_end = False
        self._width = self._code = 0
        self._before: list[str] = []

    def expect(self, width: int, code: int) -> None:
        """Note how many cells a row has, and which has its code: to know a row by its looks."""
        self._width, self._code = width, code

    def __iter__(self) -> Iterator[TextRow]:
        """Give the rows in order."""
        while (line := self._next()) is not None:
            if line.raw or not line.whole:
                yield self._row(line)

    def _next(self) -> Line | None:
        return self._again.pop() if self._again else next(self._lines, None)

    def _row(self, line: Line) -> TextRow:
        text = self._text(line)
        if isinstance(text, str):
            cells = split_row(text, self._delimiter)
            if cells is None:
                return self._join(line, text)
            return self._alone(line, cells)
        return self._alone(line, text)

    def _join(self, first: Line, text: str) -> TextRow:
        row = _Cells(self._delimiter)
        row.feed(text)
        joined, size = [first], len(first.raw)
        while row.open is not None and len(joined) < _LONGEST_ROW and size <= self._longest:
            more = self._next()
            if more is None:
                break
            joined.append(more)
            size += len(more.raw) + 1
            text_or_fault = self._text(more)
            if isinstance(text_or_fault, str):
                row.feed(text_or_fault)
            else:
                row.fault = text_or_fault.detail
                break
        last, raw = joined[-1], b"\n".join(line.raw for line in joined)
        if not row.fault and row.open is None and self._holds_rows(row.cells, joined[1:]):
            row.fault = (
                f"a quote opens here and another stands in line {last.number}, rows between"
            )
        if not row.fault and row.open is None:
            return TextRow(
                first.number, first.start, last.number, last.after, raw, row.cells, last.whole
            )
        ended = not row.fault and len(joined) < _LONGEST_ROW and size <= self._longest
        may_grow = ended or not last.whole
        if may_grow and not self._final:
            return TextRow(
                first.number, first.start, last.number, last.after, raw, [], whole=False
            )
        self._again += joined[:0:-1]  # only the first line is lost
        self._open_end = self._open_end or may_grow
        return self._alone(first, _unreadable(row.fault or "a quote is not closed"))

    def _holds_rows(self, cells: list[str], lines: list[Line]) -> bool:
        """Tell whether a line looks like a row: as many cells, and a code like the others'."""
        if not self._width:
            return False
        looks = {_look(known, self._code) for known in (cells, self._before)} - {""}
        for line in lines:
            text = self._text(line)
            parts = text.split(self._delimiter) if isinstance(text, str) else []
            if len(parts) == self._width and _look(parts, self._code) in looks:
                return True
        return False

    def _alone(self, line: Line, cells: list[str] | RejectedRecord) -> TextRow:
        """Make a row of one line."""
        if isinstance(cells, list):
            self._before = cells
        whole = line.whole and not self._open_end
        return TextRow(line.number, line.start, line.number, line.after, line.raw, cells, whole)

    def _text(self, line: Line) -> str | RejectedRecord:
        if line.long:
            return too_long(line, self._longest, "row")
        try:
            return line.raw.decode(self._codec)
        except UnicodeDecodeError:
            return undecodable(line.raw, self._codec) or _unreadable("")


def _look(cells: list[str], code: int) -> str:
    """Give what a row's code looks like, whatever its numbers; "" when it looks like none."""
    cell = cells[code].strip() if code < len(cells) else ""
    return _DIGITS.sub("9", cell) if _CODE.fullmatch(cell) and not cell.isalpha() else ""


def too_long(line: Line, longest: int, what: str) -> RejectedRecord:
    """Give the fault of a line that is too long; Torn when not even its end is there."""
    fault = _unreadable(
        f"the line is longer than {longest / MB:g} MB (source.limits.line_mb):"
        f" one {what} a line is expected"
    )
    if not line.whole:
        raise Torn(fault, number=line.number)
    return fault


def _unreadable(detail: str) -> RejectedRecord:
    return RejectedRecord(RejectReason.UNREADABLE, detail=detail)
