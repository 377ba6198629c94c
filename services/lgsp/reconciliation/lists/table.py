"""Reads a list's table: CSV or XLSX, with the number of each line as a person sees it."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import python_calamine as calamine

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.reconciliation.lists.cells import Cell, text_of
from lgsp.reconciliation.lists.columns import CODE, ListColumns, ListMapping

_MOST_BYTES = 512 << 20
_TITLE_ROWS = 50  # above the header
_DELIMITERS = ",;\t|"
_MARKS = (b"PK\x03\x04",)
_WIDE = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LONGEST_CELL = 1 << 20


class ListRow(NamedTuple):
    """A row of the table, and its line in the file, from 1."""

    line: int
    cells: list[Cell]


class Sheet(NamedTuple):
    """A list: what stands above its header, its columns and its rows."""

    titles: tuple[str, ...]
    columns: ListColumns
    rows: list[ListRow]


def read_sheet(path: Path, mapping: ListMapping) -> Sheet:
    """Read a list.

    Raises:
        ConfigurationError: it is no CSV or XLSX that can be read, or no column holds the codes.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _refused(path, f"is larger than {_MOST_BYTES >> 20} MB")
        raw = path.read_bytes()
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    if raw.startswith(_MARKS):
        tables = [_workbook_rows(path, raw, mapping.sheet)]
    else:
        text = _text(path, raw, mapping.encoding)
        tables = [list(_delimited(path, text, each)) for each in _DELIMITERS]
    found = [sheet for rows in tables if (sheet := _sheet_of(rows, mapping)) is not None]
    if not found:
        raise _refused(
            path,
            "no column is known to hold the dossiers' codes: name it in a mapping file,"
            " `columns: {code: HEADER}`, with --mapping",
        )
    sheet = max(found, key=lambda each: len(each.columns.at))
    if missing := sheet.columns.missing(mapping):
        raise _refused(path, f"has no column {', '.join(map(repr, missing))} (of the mapping)")
    return sheet


def _sheet_of(rows: list[ListRow], mapping: ListMapping) -> Sheet | None:
    titles: list[str] = []
    for at, row in enumerate(rows[:_TITLE_ROWS]):
        names = [text_of(cell) for cell in row.cells]
        columns = ListColumns(names, mapping)
        filled = sum(bool(name) for name in names)
        if CODE in columns.at and (filled > 1 or len(names) == 1):
            body = [r for r in rows[at + 1 :] if any(cell not in {"", None} for cell in r.cells)]
            return Sheet(tuple(titles), columns, body)
        titles += [name for name in names if name]
    return None


def _delimited(path: Path, text: str, delimiter: str) -> Iterator[ListRow]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not (line == 1 and len(cells) == 1 and cells[0].lower().startswith("sep=")):
                yield ListRow(line, [cell.strip() for cell in cells])
    except csv.Error as error:
        raise ConfigurationError(
            [Fault(message=f"cannot be read as CSV: {error}", file=str(path), line=before + 1)]
        ) from error


def _text(path: Path, raw: bytes, encoding: str) -> str:
    codec = encoding or next((name for mark, name in _WIDE if raw.startswith(mark)), "utf-8-sig")
    try:
        return raw.decode(codec)
    except LookupError as error:
        raise _refused(path, f"encoding {encoding!r} (of the mapping) is none") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = (
            f"byte 0x{raw[error.start]:02X} is not {codec.upper().removesuffix('-SIG')}: name the"
            " file's encoding in a mapping file, `encoding: windows-1258`"
        )
        raise ConfigurationError([Fault(message=message, file=str(path), line=line)]) from error


def _workbook_rows(path: Path, raw: bytes, sheet: str) -> list[ListRow]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_BYTES:
                raise _refused(path, f"is larger than {_MOST_BYTES >> 20} MB when unpacked")
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            name = sheet or _first_visible(book)
            cells = book.get_sheet_by_name(name)
            above = cells.start[0] if cells.start else 0
            rows = cells.to_python(skip_empty_area=True)
    except calamine.PasswordError as error:
        raise _refused(path, "has a password") from error
    except calamine.WorksheetNotFound as error:
        raise _refused(path, f"has no sheet {sheet!r} (of the mapping)") from error
    except (calamine.CalamineError, zipfile.BadZipFile, ValueError, IndexError) as error:
        raise _refused(path, f"is no workbook that can be read: {error}") from error
    return [ListRow(above + number, list(row)) for number, row in enumerate(rows, 1)]


def _first_visible(book: Any) -> str:
    for sheet in book.sheets_metadata:
        if sheet.visible == calamine.SheetVisibleEnum.Visible:
            return str(sheet.name)
    return str(book.sheet_names[0])


def _refused(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message=message, file=str(path))])
