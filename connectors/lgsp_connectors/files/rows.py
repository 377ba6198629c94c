"""What the rows of every form share: where reading goes on, and which rows are none."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from lgsp.domain.errors import RejectedRecord
from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.content import Content, Text
from lgsp_connectors.files.lines import Line, split_lines
from lgsp_connectors.files.settings import Source
from lgsp_connectors.files.stored import MB


class Place(NamedTuple):
    """Where reading goes on: rows (or lines) passed, and where the next begins in the file."""

    rows: int
    position: int


START = Place(0, 0)


class Row(NamedTuple):
    """One row.

    Args:
        number: of its first line, or of the row or element, from 1.
        place: where reading goes on after it; before it, when it may still grow.
        data: by column; the bytes of a faulty one; None when it is skipped by a rule.
        fault: what is wrong with it.
    """

    number: int
    place: Place
    data: dict[str, Any] | bytes | None
    fault: RejectedRecord | None = None


class Unfinished(Exception):  # noqa: N818 - it is what the last row is
    """The last row may still be written; the ones before it were given."""


class Empty(Exception):  # noqa: N818 - it is what the file is
    """The file has no content: not even a header."""


class OpenFile:
    """The reading of one file, as the forms see it.

    Args:
        content: of the file.
        source: how it is written.
        columns: what the mapping reads.
        still: the file has stood still: its last row is whole.
        place: where to go on; whoever takes the rows moves it.
        dialect: how the file was found to be written when the place was noted.
    """

    def __init__(
        self,
        content: Content,
        source: Source,
        columns: MappedColumns,
        *,
        still: bool,
        place: Place,
        dialect: str,
    ) -> None:
        self.content, self.source, self.columns, self.still = content, source, columns, still
        self.place, self.dialect = place, dialect
        self.longest = int(source.limits.line_mb * MB)

    def agree(self, dialect: str) -> Place:
        """Note how the file is written; give the place to go on, the start if it is another."""
        if dialect != self.dialect:
            self.place, self.dialect = START, dialect
        return self.place

    def lines(self, text: Text, place: Place) -> Iterator[Line]:
        """Give the lines behind a place: found there at once, or by passing those before."""
        if place.position and text.seekable:
            chunks = self.content.chunks(place.position)
            return split_lines(
                chunks, text.line_end, self.longest, number=place.rows, start=place.position
            )
        lines = split_lines(text.chunks, text.line_end, self.longest, start=text.encoding.mark)
        return itertools.dropwhile(lambda line: line.number <= place.rows, lines)

    def behind(self, text: Text, lines: int, after: int) -> Place:
        """Give the place behind so many lines, which end there in the content."""
        return Place(lines, after if text.seekable else 0)

    def row(self, number: int, place: Place, data: dict[str, Any]) -> Row:
        """Make a row, or a skipped one when it states nothing or is left out by a rule."""
        columns = self.columns
        if columns.empty(data) or (columns.has_skips and columns.skips(data)):
            return Row(number, place, None)
        return Row(number, place, data, columns.too_long(data))
