"""Delimited text (CSV and its kin): title rows, header and rows of one file."""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.files.cells import TextRows
from lgsp_connectors.files.content import Text
from lgsp_connectors.files.lines import Line
from lgsp_connectors.files.rows import START, OpenFile, Place, Row, Unfinished
from lgsp_connectors.files.stored import Torn

_DELIMITERS = ",;\t|"  # those that are tried when the YAML names none
_SEP = re.compile(rb"sep=(.)", re.IGNORECASE)


class _Header(NamedTuple):
    """The header of a file, and the rows behind it; `code` is its cell of the dossier code."""

    number: int
    names: list[str]
    code: str
    delimiter: str
    rows: TextRows


def delimited_rows(file: OpenFile, text: Text) -> Iterator[Row]:
    """Give the rows of delimited text behind the file's place.

    Raises:
        Unfinished: the last row, or the header, may still be written.
        Torn: the header lacks a column of the mapping, or is unreadable.
    """
    header = _read_header(file, text)
    columns, names = file.columns, header.names
    if fault := columns.fault(names, "the header"):
        raise Torn(fault, number=header.number)
    place = file.agree(f"{text.dialect}/{ord(header.delimiter)}")
    rows = header.rows
    if place.position and text.seekable:
        rows = _rows(file, text, file.lines(text, place), header.delimiter)
    width = len(names)
    first = names.index(columns.wanted[0]) if columns.wanted else 0
    rows.expect(width, first)
    always = columns.has_skips or not columns.wanted
    end: Place | None = None
    for number, start, lines, after, raw, cells, whole in rows:
        if lines <= place.rows:
            continue
        if not whole and not file.still:
            raise Unfinished
        if not whole and end is None:
            end = file.behind(text, number - 1, start)  # from here on read again should it grow
        behind = end or file.behind(text, lines, after)
        if isinstance(cells, RejectedRecord):
            yield Row(number, behind, raw, cells)
        elif header.code in cells and columns.head_again(names, cells, number):
            yield Row(number, behind, None)
        elif len(cells) != width:
            yield _odd(file, number, behind, raw, names, cells)
        elif always or len(raw) > columns.cell_chars or not cells[first].strip():
            yield file.row(number, behind, dict(zip(names, cells, strict=True)))
        else:
            yield Row(number, behind, dict(zip(names, cells, strict=True)))


def _odd(
    file: OpenFile, number: int, place: Place, raw: bytes, names: list[str], cells: list[str]
) -> Row:
    """Make a row that has more or fewer cells than the header."""
    if not any(cell.strip() for cell in cells):
        return Row(number, place, None)
    fitting = _fitting(names, cells)
    if fitting is not None:
        return file.row(number, place, dict(zip(names, fitting, strict=True)))
    known = dict(zip(names, cells, strict=False))
    if file.columns.has_skips and file.columns.skips(known):
        return Row(number, place, None)
    detail = f"the row has {len(cells)} columns, the header {len(names)}"
    return Row(number, place, raw, RejectedRecord(RejectReason.UNREADABLE, detail=detail))


def _fitting(names: list[str], cells: list[str]) -> list[str] | None:
    """Give the cells of a row that differs from the header by delimiters at its end only."""
    missing = names[len(cells) :]
    if any(missing) or any(cell.strip() for cell in cells[len(names) :]):
        return None
    return [*cells[: len(names)], *missing]


def _rows(file: OpenFile, text: Text, lines: Iterator[Line], delimiter: str) -> TextRows:
    codec = text.encoding.line_codec
    return TextRows(lines, codec, delimiter, file.longest, final=file.still)


def _read_header(file: OpenFile, text: Text) -> _Header:
    """Read the header with the delimiter by which it has most of the mapping's columns."""
    lines = file.lines(text, START)
    named, lines = _sep_line(lines)
    lines = itertools.islice(lines, file.source.skip_rows, None)
    choices = named or file.source.delimiter or _DELIMITERS
    headers: list[_Header] = []
    faults: list[Torn] = []
    for delimiter, branch in zip(choices, itertools.tee(lines, len(choices)), strict=True):
        try:
            headers.append(_header(file, text, branch, delimiter))
        except Torn as fault:  # quotes stand elsewhere where another one separates
            faults.append(fault)
    if not headers:
        raise faults[0]
    return max(headers, key=lambda header: (file.columns.known(header.names), len(header.names)))


def _header(file: OpenFile, text: Text, lines: Iterator[Line], delimiter: str) -> _Header:
    rows = _rows(file, text, lines, delimiter)
    for row in rows:
        if not row.whole and not file.still:
            raise Unfinished
        if isinstance(row.cells, RejectedRecord):
            raise Torn(row.cells, number=row.number)
        if any(cell.strip() for cell in row.cells):
            names = file.columns.named(row.cells)
            code = file.columns.wanted[0] if file.columns.wanted else ""
            at = names.index(code) if code in names else 0
            return _Header(row.number, names, row.cells[at], delimiter, rows)
    if not file.still:
        raise Unfinished
    return _Header(1, [], "", delimiter, rows)


def _sep_line(lines: Iterator[Line]) -> tuple[str, Iterator[Line]]:
    """Take the line `sep=…` off that Excel writes and believes."""
    first = next(lines, None)
    if first is None:
        return "", iter(())
    if found := _SEP.fullmatch(first.raw.strip()):
        return found[1].decode("latin-1"), lines
    return "", itertools.chain((first,), lines)
