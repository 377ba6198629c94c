"""Rows of a workbook's sheet (XLSX), bounded before it is unpacked."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import Any

import python_calamine as calamine

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import shown
from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.rows import OpenFile, Place, Row
from lgsp_connectors.files.settings import Limits
from lgsp_connectors.files.stored import MB, Torn, torn

_LARGEST = 512 * MB  # of the unpacked workbook, which is held in memory
_EXACT = 10**15  # Excel keeps fifteen digits of a number


def sheet_rows(file: OpenFile) -> Iterator[Row]:
    """Give the rows of a workbook's sheet behind the file's place.

    Raises:
        Unfinished: the header may still be written.
        Torn: no workbook that can be read, or its header lacks a column of the mapping.
    """
    data = b"".join(file.content.chunks())
    source, columns = file.source, file.columns
    passed = file.agree("sheet").rows
    names: list[str] = []
    for number, cells in enumerate(_book_rows(data, source.sheet, source.limits), 1):
        if number <= source.skip_rows or not any(cell != "" for cell in cells):
            continue
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


def _book_rows(data: bytes, sheet: str, limits: Limits) -> Iterator[list[Any]]:
    """Give the rows from the first one on, empty ones too: texts, numbers, dates, "".

    A date cell is a `date` when it holds no time, else a `datetime`, in the sheet's local time.

    Raises:
        Torn: no workbook (it may still be written), a password, no such sheet, too large.
    """
    _check_size(data, limits)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            name = sheet or book.sheet_names[0]
            yield from book.get_sheet_by_name(name).iter_rows()
    except calamine.PasswordError as error:
        raise torn(RejectReason.UNREADABLE, "the workbook has a password") from error
    except calamine.WorksheetNotFound as error:
        raise torn(
            RejectReason.UNREADABLE,
            f"there is no sheet {sheet!r} (source.sheet); the sheets are:"
            f" {', '.join(map(shown, book.sheet_names))}",
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
