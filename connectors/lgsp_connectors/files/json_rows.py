"""JSON files: objects on lines of their own, or in one array."""

from collections.abc import Collection, Iterator
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.files.cells import too_long
from lgsp_connectors.files.content import Text
from lgsp_connectors.files.encodings import undecodable
from lgsp_connectors.files.json_values import array_elements, parse_object
from lgsp_connectors.files.rows import OpenFile, Place, Row, Unfinished
from lgsp_connectors.files.stored import MB, Torn, torn

_AHEAD = 10_000  # rows, and
_AHEAD_BYTES = 16 * MB  # of content, in which each mapped column must show
_SPELLINGS = 1000  # sets of keys remembered


def json_rows(file: OpenFile, text: Text) -> Iterator[Row]:
    """Give the rows of a JSON file behind the file's place.

    Raises:
        Unfinished: the last row may still be written.
        Torn: a column of the mapping shows in no row, or the array is damaged.
    """
    objects = _Objects(file)
    rows = _array(file, text, objects) if text.is_array else _lines(file, text, objects)
    return _with_columns(file, rows, objects)


class _Objects:
    """Makes rows of objects, their keys spelled as the mapping does."""

    def __init__(self, file: OpenFile) -> None:
        self._open_file = file
        self.any = False
        self.keys: dict[str, None] | None = {}  # None: nobody asks any more
        self._spelled: dict[tuple[str, ...], list[str] | None] = {}

    def row(self, number: int, place: Place, data: dict[str, Any]) -> Row:
        keys = tuple(data)
        if keys not in self._spelled:
            if len(self._spelled) >= _SPELLINGS:
                self._spelled.clear()
            spelled = self._open_file.columns.named(keys)
            self._spelled[keys] = None if spelled == list(keys) else spelled
            self.any = True
            if self.keys is not None:
                self.keys.update(dict.fromkeys(spelled))
        if names := self._spelled[keys]:
            if twice := self._open_file.columns.repeated(names):
                fault = RejectedRecord(
                    RejectReason.BAD_VALUE,
                    field=twice[0],
                    detail="the key stands twice, spelled in two ways",
                )
                return Row(number, place, data, fault)
            data = dict(zip(names, data.values(), strict=True))
        return self._open_file.row(number, place, data)


def _lines(file: OpenFile, text: Text, objects: _Objects) -> Iterator[Row]:
    codec = text.encoding.line_codec
    place = file.agree(text.dialect)
    for line in file.lines(text, place):
        if line.whole:
            behind = file.behind(text, line.number, line.after)
        elif file.still or line.long:
            behind = file.behind(text, line.number - 1, line.start)  # again should it grow
        else:
            raise Unfinished
        raw = line.raw
        if not raw.strip():
            continue
        try:
            if line.long:
                raise too_long(line, file.longest, "object")
            data = parse_object(raw if codec == "utf-8" else raw.decode(codec))
        except UnicodeDecodeError:
            yield Row(line.number, behind, raw, undecodable(raw, codec))
        except RejectedRecord as fault:
            if raw.strip() == b"{":
                raise torn(
                    RejectReason.UNREADABLE,
                    "an object over several lines: an array of objects, or one object a line is"
                    " expected",
                    number=line.number,
                ) from fault
            yield Row(line.number, behind, raw, undecodable(raw, codec) or fault)
        else:
            yield objects.row(line.number, behind, data)


def _array(file: OpenFile, text: Text, objects: _Objects) -> Iterator[Row]:
    passed = file.agree(f"{text.dialect}/array").rows
    elements = array_elements(text.chunks, text.encoding.line_codec, file.longest)
    for number, element in enumerate(elements, 1):
        if number <= passed:
            continue
        if isinstance(element, RejectedRecord):
            yield Row(number, Place(number, 0), b"", element)
        else:
            yield objects.row(number, Place(number, 0), element)


def _with_columns(file: OpenFile, rows: Iterator[Row], objects: _Objects) -> Iterator[Row]:
    """Pass rows on when each column of the mapping shows in one of the first; else Torn.

    Of sparse objects one column is enough: without any, every row would state nothing.
    """
    held: list[Row] = []
    ended: Exception | None = None
    try:
        for row in rows:
            if file.place.rows:
                objects.keys = None
                yield row
                yield from rows
                return
            held.append(row)
            if objects.keys and not _lacks(file, objects.keys):
                break
            if len(held) >= _AHEAD or file.content.made > _AHEAD_BYTES:
                break
    except (Unfinished, Torn) as error:
        ended = error
    seen, objects.keys = objects.keys or {}, None
    if objects.any and _lacks(file, seen):
        fault = file.columns.fault(list(seen), "the file")
        if fault is not None:
            raise Torn(fault, number=0)
    yield from held
    if ended is not None:
        raise ended
    yield from rows


def _lacks(file: OpenFile, names: Collection[str]) -> bool:
    columns = file.columns
    return not columns.known(names) if file.source.sparse else bool(columns.missing(names))
