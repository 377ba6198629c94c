"""Small workbooks (XLSX) made by hand, so that no writer of them is needed."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


class Styled(NamedTuple):
    """A number shown as a date."""

    serial: float


class Raw(NamedTuple):
    """A cell as its XML: what stands in it, and its type."""

    inside: str
    kind: str = "n"


Cell = str | int | float | Styled | Raw | None


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Cell]]], merged: Sequence[str] = (), more: str = ""
) -> bytes:
    """Make a workbook; a row that is empty is left out of the file, as Excel does.

    Args:
        sheets: rows by name.
        merged: ranges of each sheet ("D2:D5").
        more: XML of further rows of each sheet.
    """
    out = io.BytesIO()
    count = range(1, len(sheets) + 1)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml"'
            f' ContentType="{_TYPES}.worksheet+xml"/>'
            for i in count
        )
        packed.writestr(
            "[Content_Types].xml",
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{parts}'
            "</Types>",
        )
        packed.writestr(
            "_rels/.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
            f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        named = "".join(
            f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
            for i, name in zip(count, sheets, strict=True)
        )
        packed.writestr(
            "xl/workbook.xml",
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets>'
            "</workbook>",
        )
        targets = "".join(
            f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet"'
            f' Target="worksheets/sheet{i}.xml"/>'
            for i in count
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{targets}'
            f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles"'
            ' Target="styles.xml"/></Relationships>',
        )
        packed.writestr("xl/styles.xml", _STYLES)
        for i, rows in zip(count, sheets.values(), strict=True):
            data = "".join(_row(number, cells) for number, cells in enumerate(rows, 1) if cells)
            ranges = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
            packed.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{data}{more}</sheetData>'
                f"{f'<mergeCells>{ranges}</mergeCells>' if merged else ''}</worksheet>",
            )
    return out.getvalue()


def _row(number: int, cells: Sequence[Cell]) -> str:
    made = "".join(_cell(f"{chr(65 + i)}{number}", cell) for i, cell in enumerate(cells))
    return f'<row r="{number}">{made}</row>'


def _cell(place: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, Raw):
        return f'<c r="{place}" t="{value.kind}">{value.inside}</c>'
    if isinstance(value, Styled):
        return f'<c r="{place}" s="1"><v>{value.serial}</v></c>'
    return f'<c r="{place}"><v>{value}</v></c>'
