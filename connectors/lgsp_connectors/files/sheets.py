"""Rows of a workbook's sheet (XLSX), bounded before it is unpacked."""

import io
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import python_calamine as calamine

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import shown
from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.rows import OpenFile, Place, Row
from lgsp_connectors.files.settings import Limits
from lgsp_connectors.files.stored import MB, Torn, torn

ALL = "*"
"""Names all sheets that have columns of the mapping."""
_LARGEST = 512 * MB  # of the unpacked workbook, which is held in memory
_EXACT = 10**15  # Excel keeps fifteen digits of a number


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
        first, *others = _sheets(book)
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


def _rows_of(
    file: OpenFile, book: calamine.CalamineWorkbook, sheet: str, before: int
) -> Generator[Row, None, int]:
    """Give the rows of one sheet, counted on from `before`; return the number of the last one."""
    columns, passed, number = file.columns, file.place.rows, before
    names: list[str] = []
    for number, cells in _lines(file, book, sheet, before):
        if not names:
            names = columns.named(list(map(_cell_text, cells)))
            if fault := columns.fault(names, "the header"):
                raise Torn(fault, number=number)
        elif number > passed:
            row = dict(zip(names, map(_cell_value, cells), strict=True))
            made = file.row(number, Place(number, 0), row)
            if made.data is not None and made.fault is None:
                made = made._replace(fault=_lost_digits(row, columns))
            yield made
    if not names:
        raise torn(RejectReason.UNREADABLE, "the sheet has no header", number=0)
    return number


def _lines(
    file: OpenFile, book: calamine.CalamineWorkbook, sheet: str, before: int
) -> Iterator[tuple[int, list[Any]]]:
    """Give the header of a sheet and the rows below it that are not empty, with their numbers.

    Cells are texts, numbers, dates and "". A date cell is a `date` when it holds no time, else a
    `datetime`, in the sheet's local time.
    """
    for number, cells in enumerate(book.get_sheet_by_name(sheet).iter_rows(), 1):
        if number > file.source.skip_rows and any(cell != "" for cell in cells):
            yield before + number, cells


def _sheets(book: calamine.CalamineWorkbook) -> list[str]:
    """Give the sheets that a person sees, at least one."""
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    return visible or book.sheet_names


def _is_table(file: OpenFile, book: calamine.CalamineWorkbook, sheet: str) -> bool:
    """Tell whether a sheet's header has any column of the mapping."""
    for _, cells in _lines(file, book, sheet, 0):
        return file.columns.known(file.columns.named(list(map(_cell_text, cells)))) > 0
    return False


@contextmanager
def _opened(data: bytes, sheet: str, limits: Limits) -> Iterator[calamine.CalamineWorkbook]:
    """Open a workbook.

    Raises:
        Torn: no workbook (it may still be written), a password, no such sheet, too large.
    """
    _check_size(data, limits)
    names: list[str] = []
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            names = book.sheet_names
            yield book
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
