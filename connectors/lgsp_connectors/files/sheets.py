"""Rows of a workbook's sheet (XLSX), bounded before it is unpacked."""

import io
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple

import python_calamine as calamine

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import shown
from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.rows import OpenFile, Place, Row
from lgsp_connectors.files.settings import Limits
from lgsp_connectors.files.sheet_scan import Scan, scan_sheets
from lgsp_connectors.files.stored import MB, Torn, torn

ALL = "*"
"""Names all sheets that have columns of the mapping."""
_NO_SHEET = Scan(0, 0, {}, astray=False, text=0)
_LARGEST = 512 * MB  # of the unpacked workbook, which is held in memory
_CELLS = 30_000_000  # of the rectangle that is held in memory, empty ones too
_ROWS = 1_048_576  # of Excel's sheets
_EXACT = 10**15  # Excel keeps fifteen digits of a number


class _Book(NamedTuple):
    """An open workbook, and what its sheets' XML says besides."""

    cells: calamine.CalamineWorkbook
    scans: dict[str, Scan]


class _Line(NamedTuple):
    """A row of a sheet: texts, numbers, dates and ""; what is wrong with cells, by index.

    A date cell is a `date` when it holds no time, else a `datetime`, in the sheet's local time.
    """

    number: int
    cells: list[Any]
    faults: dict[int, str]


def sheet_rows(file: OpenFile) -> Iterator[Row]:
    """Give the rows of a workbook's sheet, or of all its sheets, behind the file's place.

    Raises:
        Unfinished: the header may still be written.
        Torn: no workbook that can be read, or its header lacks a column of the mapping; behind the
            rows of the first sheet, when nobody said that the others are left out.
    """
    data = b"".join(file.content.chunks())
    sheet = file.source.sheet
    file.agree("sheet")
    with _opened(data, sheet, file.source.limits) as book:
        first, *others = _sheets(book.cells)
        if sheet != ALL:
            yield from _rows_of(file, book, sheet or first, 0)
            more = [] if sheet else [name for name in others if _is_table(file, book, name)]
            if more:
                raise torn(
                    RejectReason.UNREADABLE,
                    f"only the first sheet was read, and others have the mapping's columns:"
                    f" {', '.join(map(shown, more))}: name one in source.sheet, or all: '*'",
                    number=0,
                )
            return
        tables = [name for name in (first, *others) if _is_table(file, book, name)]
        before = 0
        for name in tables or [first]:
            before = yield from _rows_of(file, book, name, before)


def _rows_of(file: OpenFile, book: _Book, sheet: str, before: int) -> Generator[Row, None, int]:
    """Give the rows of one sheet, counted on from `before`; return the number of the last one."""
    columns, passed, number = file.columns, file.place.rows, before
    names: list[str] = []
    code: Any = None
    for line in _lines(file, book, sheet):
        number = before + line.number
        if not names:
            names = columns.named(list(map(_cell_text, line.cells)))
            if fault := columns.fault(names, "the header"):
                raise Torn(fault, number=number)
            code = line.cells[names.index(columns.wanted[0])] if columns.wanted else None
        elif number <= passed:
            continue
        elif code in line.cells and columns.head_again(
            names, list(map(_cell_text, line.cells)), number
        ):
            yield Row(number, Place(number, 0), None)
        else:
            row = dict(zip(names, map(_cell_value, line.cells), strict=True))
            made = file.row(number, Place(number, 0), row)
            left_out = columns.has_skips and columns.skips(row)
            if not left_out and (fault := _without_value(line, names, columns)):
                made = made._replace(data=row, fault=fault)
            elif made.data is not None and made.fault is None:
                made = made._replace(fault=_lost_digits(row, columns))
            yield made
    if not names:
        raise torn(RejectReason.UNREADABLE, "the sheet has no header", number=0)
    return number


def _lines(file: OpenFile, book: _Book, sheet: str) -> Iterator[_Line]:
    """Give the header of a sheet and the rows below it that are not empty.

    A cell merged down over several rows stands in each of them, as a person sees it, but for the
    dossier's code: of two rows with one code the lower would be taken for a correction.
    """
    scan = book.scans.get(sheet, _NO_SHEET)
    if scan is _NO_SHEET and sheet in book.cells.sheet_names:
        raise torn(RejectReason.UNREADABLE, "the workbook does not say where its sheet is")
    if scan.rows > _ROWS or scan.rows * scan.columns > _CELLS:
        raise torn(
            RejectReason.UNREADABLE,
            f"the sheet reaches to row {scan.rows:,} and column {scan.columns:,}, more cells than"
            " are held in memory: delete what stands outside of the table, or export CSV",
        )
    if scan.text > _LARGEST:
        raise torn(
            RejectReason.UNREADABLE,
            f"the sheet's cells hold {scan.text / MB:,.0f} MB of text, more than is held in"
            " memory: export CSV, or split it",
        )
    if scan.astray:
        raise torn(RejectReason.UNREADABLE, "a cell without a value does not name its place")
    cells_of = book.cells.get_sheet_by_name(sheet)
    left = cells_of.start[1] if cells_of.start else 0
    merged = _merged(cells_of, left)
    above: list[Any] = []
    code: int | None = None
    for number, cells in enumerate(_padded(cells_of, scan), 1):
        faults = {at - 1 - left: fault for at, fault in scan.faults.get(number, {}).items()}
        if above:
            for at in merged.get(number, ()):
                if at != code:
                    cells[at] = above[at]
        if number <= file.source.skip_rows or not (faults or any(cell != "" for cell in cells)):
            continue
        if code is None:
            names = file.columns.named(list(map(_cell_text, cells)))
            code = next(
                (at for at, name in enumerate(names) if name in file.columns.wanted[:1]), -1
            )
        else:
            above = cells
        yield _Line(number, cells, faults)


def _padded(sheet: calamine.CalamineSheet, scan: Scan) -> Iterator[list[Any]]:
    """Give the rows; behind the last value, empty ones as far as cells are at fault."""
    given = width = 0
    for cells in sheet.iter_rows():
        given, width = given + 1, len(cells)
        yield cells
    for _ in range(given, max(scan.faults, default=0)):
        yield [""] * width


def _merged(sheet: calamine.CalamineSheet, left: int) -> dict[int, list[int]]:
    """Give the cells, row (from 1) and index, that hold what stands above them."""
    merged: dict[int, list[int]] = {}
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in range(top + 2, bottom + 2):
            merged.setdefault(row, []).append(column - left)
    return merged


def _sheets(book: calamine.CalamineWorkbook) -> list[str]:
    """Give the sheets that a person sees, at least one."""
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    return visible or book.sheet_names


def _is_table(file: OpenFile, book: _Book, sheet: str) -> bool:
    """Tell whether a sheet's header has any column of the mapping."""
    for line in _lines(file, book, sheet):
        return file.columns.known(file.columns.named(list(map(_cell_text, line.cells)))) > 0
    return False


@contextmanager
def _opened(data: bytes, sheet: str, limits: Limits) -> Iterator[_Book]:
    """Open a workbook.

    Raises:
        Torn: no workbook (it may still be written), a password, no such sheet, too large.
    """
    _check_size(data, limits)
    scans = _scanned(data)
    names: list[str] = []
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            names = book.sheet_names
            yield _Book(book, scans)
    except calamine.PasswordError as error:
        raise torn(RejectReason.UNREADABLE, "the workbook has a password") from error
    except calamine.WorksheetNotFound as error:
        raise torn(
            RejectReason.UNREADABLE,
            f"there is no sheet {sheet!r} (source.sheet); the sheets are:"
            f" {', '.join(map(shown, names))}",
        ) from error
    except (calamine.CalamineError, IndexError) as error:
        raise torn(RejectReason.UNREADABLE, f"not a workbook that can be read: {error}") from error


def _scanned(data: bytes) -> dict[str, Scan]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return scan_sheets(packed)
    except KeyError as error:
        raise torn(
            RejectReason.UNREADABLE, "not an XLSX workbook: save it as .xlsx, or export CSV"
        ) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise torn(RejectReason.UNREADABLE, f"not a workbook that can be read: {error}") from error


def _without_value(line: _Line, names: list[str], columns: MappedColumns) -> RejectedRecord | None:
    """Give the fault of a row in which Excel has not come to the value of a wanted cell."""
    for at, fault in line.faults.items():
        if 0 <= at < len(names) and names[at] in columns.wanted:
            return RejectedRecord(RejectReason.BAD_VALUE, field=names[at], detail=fault)
    return None


def _cell_text(value: Any) -> str:
    """Give a cell of the header as text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _cell_value(value: Any) -> Any:
    """Give a cell as the mapping reads it: whole numbers as int, dates as they are."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float, date)) else str(value)


def _lost_digits(row: dict[str, Any], columns: MappedColumns) -> RejectedRecord | None:
    """Give the fault of a number that Excel itself has cut: it keeps fifteen digits."""
    for name in columns.wanted:
        value = row[name]
        if isinstance(value, (int, float)) and abs(value) >= _EXACT:
            return RejectedRecord(
                RejectReason.BAD_VALUE,
                field=name,
                detail="a number of more than 15 digits, of which Excel has lost the last ones:"
                " let the column be text",
            )
    return None


def _check_size(data: bytes, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise torn(
            RejectReason.UNREADABLE,
            "not an XLSX workbook, or not whole: save it as .xlsx, or export CSV",
            may_grow=True,
        ) from error
    if size > min(_LARGEST, limits.file_mb * MB):
        raise torn(
            RejectReason.UNREADABLE,
            f"the workbook holds {size / MB:,.0f} MB, more than is unpacked in memory:"
            " export CSV, or split it",
        )
    if size > 16 * MB and size > limits.ratio * len(data):
        raise torn(
            RejectReason.UNREADABLE,
            f"one compressed byte stands for more than {limits.ratio:g} bytes of content"
            " (source.limits.ratio)",
        )
