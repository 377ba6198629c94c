"""What a workbook's XML says and its reader leaves out: how far a sheet goes, cells without value.

The reader holds a whole rectangle in memory, however little stands in it, and gives a formula that
was never calculated, or ended in an error, as an empty cell.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

_CHUNK = 1 << 20
_LONGEST_CELL = 4 * _CHUNK  # bytes of XML that are looked at as one cell
_CELL = re.compile(rb"<(?:\w+:)?c\b[^<>]*")
_USUAL_PLACE = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_PLACE = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\br=["']([A-Za-z]{1,7})([0-9]{1,10})["']""")
_ERROR = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\bt=["']e["'][^<>]*""")
_SHARED = re.compile(rb"<(?:\w+:)?si\b")
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^<>]*>\s*([0-9]{1,9})\s*<")
_UNSTATED = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_TEXT = re.compile(rb"""\bt=["']str["']""")  # whose value may be the empty text

ERROR = "holds an error of Excel, such as #N/A"
UNCALCULATED = "holds a formula without its value: open the workbook in Excel and save it again"


class Scan(NamedTuple):
    """One sheet: its last row and column, and what is wrong with cells, by row and column from 1.

    `astray`: a cell that does not name its place is at fault. `text`: about so many bytes of texts
    that the workbook keeps once, as often as cells may name them.
    """

    rows: int
    columns: int
    faults: dict[int, dict[int, str]]
    astray: bool
    text: int


def scan_sheets(packed: zipfile.ZipFile) -> dict[str, Scan]:
    """Scan the sheets of a workbook, by name; each part is unpacked, so that its size is true.

    Raises:
        KeyError, ValueError: it lacks a part, or one is not XML.
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError: one is
            damaged, or longer than it says.
    """
    names = {name.lower(): name for name in packed.namelist()}
    parts = {}
    texts = _texts(packed, names.get("xl/sharedstrings.xml"))
    for low, name in names.items():
        if low.endswith((".xml", ".rels")):
            parts[low] = _scan(packed, name, texts, sheet=low.startswith("xl/worksheets/"))
    book = _tree(packed, names["xl/workbook.xml"])
    links = _tree(packed, names["xl/_rels/workbook.xml.rels"])
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    found = {}
    for node in book.iter():
        if node.tag.rpartition("}")[2] == "sheet":
            id_ = next((v for k, v in node.items() if k.endswith("}id")), None)
            target = targets.get(id_, "").replace("\\", "/").lower().lstrip("/")
            path = target if target.startswith("xl/") else f"xl/{target}"
            if path in parts:
                found[node.get("name", "")] = parts[path]
    return found


def _tree(packed: zipfile.ZipFile, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(packed.read(name))  # noqa: S314 - expat bounds entities
    except ElementTree.ParseError as error:
        raise ValueError(f"{name} is not XML") from error


def _texts(packed: zipfile.ZipFile, name: str | None) -> list[int]:
    """Give the sizes of the texts that cells name by number, in bytes of XML."""
    return [] if name is None else [*map(len, _SHARED.split(packed.read(name))[1:])]


def _scan(packed: zipfile.ZipFile, name: str, texts: list[int], *, sheet: bool) -> Scan:
    rows = columns = size = 0
    faults: dict[int, dict[int, str]] = {}
    astray = False
    for text in _pieces(packed, name):
        if not sheet:
            continue
        places = _USUAL_PLACE.findall(text)
        if len(places) < text.count(b"<c") + text.count(b":c"):  # written in another way, or more
            places = _PLACE.findall(text)
        rows = max([rows, *map(int, {row for _, row in places})])
        columns = max([columns, *map(_column, {column for column, _ in places})])
        if texts:
            for number, count in Counter(_VALUE.findall(text)).items():
                size += texts[int(number)] * count if int(number) < len(texts) else 0
        for cell, fault in _faulty(text):
            place = _PLACE.match(cell)
            if place is None:
                astray = True
            else:
                faults.setdefault(int(place[2]), {})[_column(place[1])] = fault
    return Scan(rows, columns, faults, astray, size)


def _pieces(packed: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Give a part in pieces that end before a cell begins."""
    held = b""
    with packed.open(name) as part:
        while chunk := part.read(_CHUNK):
            held += chunk
            cells = max(held.rfind(b"<c "), held.rfind(b":c "))
            cut = held.rfind(b"<", 0, cells + 1) if cells > 0 else 0
            if len(held) - cut > _LONGEST_CELL:
                cut = len(held)
            if cut > 0:
                yield held[:cut]
                held = held[cut:]
    yield held


def _faulty(text: bytes) -> Iterator[tuple[bytes, str]]:
    """Give the tag of each cell that has no value where one is due, and why."""
    if b'"e"' in text or b"'e'" in text:
        for found in _ERROR.finditer(text):
            yield found[0], ERROR
    if b"<f" not in text and b":f" not in text:
        return
    for found in _UNSTATED.finditer(text):
        start = max(text.rfind(b"<c ", 0, found.start()), text.rfind(b":c ", 0, found.start()))
        cell = _CELL.match(text, text.rfind(b"<", 0, start + 1)) if start >= 0 else None
        if cell is None or not _TEXT.search(cell[0]):
            yield cell[0] if cell else b"", UNCALCULATED


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
