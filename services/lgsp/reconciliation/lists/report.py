"""The report on a list, line by line: CSV or XLSX; persons masked, no cell is ever a formula."""

import codecs
import csv
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.reconciliation.lists.answers import LineAnswer
from lgsp.reconciliation.lists.cells import text_of
from lgsp.reconciliation.lists.columns import ListColumns
from lgsp.reconciliation.lists.words import answer_words, local_minute, main_of
from lgsp.runtime.personal import HIDDEN, mask
from lgsp.runtime.text import printable

_OURS = (
    "Dòng",
    "Mã hồ sơ",
    "Phân loại",
    "Trả lời",
    "class",
    "cause",
    "Hạn tại tỉnh",
    "Xong tại tỉnh",
    "Tiếp nhận tại tỉnh",
    "Lần gửi cuối",
    "Kết quả gửi",
    "Đơn vị",
    "Ghi chú",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MOST_ROWS = 1_048_576
_LONGEST = 32_767  # characters of a cell of Excel


def write_report(path: Path, columns: ListColumns, answers: Iterable[LineAnswer]) -> None:
    """Write the report on a list; ConfigurationError as `write_table`."""
    write_table(path, _rows(columns, answers))


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a table beside its place and put it there whole; the suffix says which form.

    Raises:
        ConfigurationError: another suffix than .csv or .xlsx, or it cannot be written.
    """
    check_place(path)
    suffix = path.suffix.lower()
    try:
        handle, name = tempfile.mkstemp(suffix, f".{path.stem}-", path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                (_write_csv if suffix == ".csv" else _write_xlsx)(file, rows)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def check_place(path: Path) -> None:
    """See that a table can be written there, before the work begins; ConfigurationError."""
    if path.suffix.lower() not in {".csv", ".xlsx"}:
        raise _refused(path, "name a file that ends in .csv or .xlsx")
    if not path.parent.is_dir():
        raise _refused(path, "its folder is not there")


def _rows(columns: ListColumns, answers: Iterable[LineAnswer]) -> Iterator[list[str]]:
    yield [*_OURS, *[f"[{name}]" for name in columns.header]]
    for answer in answers:
        yield [*_answered(answer), *_listed(columns, answer)]


def _answered(answer: LineAnswer) -> list[str]:
    line, known = answer.line, answer.known
    notes = [str(fault) for fault in (line.fault, *line.unread) if fault]
    notes += [f"đã có ở dòng {line.again}"] if line.again else []
    if line.there is None:
        return (
            [str(line.row.line), "", "", "Không đọc được dòng này", "", ""]
            + [""] * 6
            + ["; ".join(notes)]
        )
    here = None if known is None else known.here
    dates = {} if here is None else here.side.dates
    finished, received = dates.get("finished_at"), dates.get("received_at")
    push = None if here is None else here.newest_push
    main = main_of(answer.found)
    return [
        str(line.row.line),
        line.there.code if here is None else here.code,
        ", ".join(each.kind.value for each in answer.found),
        answer_words(answer.found, here, line.there),
        main.kind.value,
        main.said,
        local_minute(here.deadline) if here else "",
        local_minute(finished.at) if finished else "",
        local_minute(received.at) if received else "",
        local_minute(push.at) if push else "",
        f"{push.result.value} {push.message}".strip() if push else "",
        here.unit if here else "",
        "; ".join(notes),
    ]


def _listed(columns: ListColumns, answer: LineAnswer) -> list[str]:
    cells = answer.line.row.cells
    shown = []
    for at in range(len(columns.header)):
        text = text_of(cells[at]) if at < len(cells) else ""
        if at in columns.persons and text:
            text = HIDDEN
        elif at not in columns.at.values():
            text = mask(text)
        shown.append(text)
    return shown


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, and no terminal obeys."""
    text = printable(text)[:_LONGEST]
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_csv(file: IO[bytes], rows: Iterable[Sequence[str]]) -> None:
    file.write(codecs.BOM_UTF8)  # by which Excel knows the encoding
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([guarded(cell) for cell in row])
        file.write(line.getvalue().encode())


def _write_xlsx(file: IO[bytes], rows: Iterable[Sequence[str]]) -> None:
    """Write the smallest workbook that programs open: one sheet of texts."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _PARTS.items():
            packed.writestr(name, content)
        with packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(_SHEET_BEGINS)
            for number, row in enumerate(rows, 1):
                if number > _MOST_ROWS:
                    break
                cells = "".join(f"{_CELL}{escape(guarded(cell))}</t></is></c>" for cell in row)
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_FORM = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_CELL = '<c t="inlineStr"><is><t xml:space="preserve">'
_SHEET_BEGINS = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode()
_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_FORM}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_FORM}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_DOCUMENT}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}"><sheets>'
    '<sheet name="Doi soat" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}


def _refused(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message=message, file=str(path))])
