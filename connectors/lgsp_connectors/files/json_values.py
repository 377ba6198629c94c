"""JSON values: one object, or the elements of an array; integers exact, however long."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import orjson

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import shown
from lgsp_connectors.files.stored import MB, Torn, torn

_DOUBTFUL = 2.0**53  # from here on a float may have been an integer with more digits
_NEAR = 64  # a fault so near the end of the text may be only that it ends
_BLANK = re.compile(r"[ \t\r\n]*")
_KEY_END = re.compile(rb'"[ \t\r\n]*:')
_APART = (b'" ', b'"\t', b'"\r', b'"\n')  # a colon may stand apart from its key
_LONGEST_NAME = 30  # characters of a key in a message


class _Doubled(dict[str, Any]):
    """An object in which `key` stands twice, with different values; it has the last one."""

    key = ""


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Read one JSON object; RejectedRecord when it is none."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # Half a character in an unused text is no reason to lose a row; the plain parser bears it.
        data = _plain(text, error)
    if not isinstance(data, dict):
        raise _not_an_object()
    if any(v.__class__ is float and abs(v) >= _DOUBTFUL for v in data.values()):
        data = _plain(text, ValueError("a number is too long"))
    elif _keys(text) > len(data):
        data = _plain(text, ValueError("a key stands twice"))  # or there are objects inside
    if isinstance(data, _Doubled):
        raise _doubled(data)
    found: dict[str, Any] = data
    return found


def array_elements(
    chunks: Iterable[bytes], codec: str, longest: int
) -> Iterator[dict[str, Any] | RejectedRecord]:
    """Give the elements of the array that the content is, each as soon as it is whole.

    Raises:
        Torn: TRUNCATED when the content ends before the array does, UNREADABLE when it is damaged
            or an element is longer than `longest` characters.
    """
    pieces = _Pieces(_decoded(chunks, codec))
    text = pieces.more(1)
    at = _behind_blanks(text, 0) + 1  # the bracket
    want = 1
    while True:
        at = _behind_blanks(text, at)
        found = _element(text, at)
        if found is not None:
            element, at, last = found
            yield from element
            if last:
                break
            want = 1
            continue
        more = pieces.more(want)
        if not more:
            raise torn(
                RejectReason.TRUNCATED,
                "the array ends before its closing bracket",
                may_grow=True,
            )
        if len(text) - at > longest:
            raise torn(
                RejectReason.UNREADABLE,
                f"an element of the array is longer than {longest / MB:g} MB"
                " (source.limits.line_mb)",
            )
        text, at = text[at:] + more, 0
        want = len(text)  # twice as much each time, so that the work stays linear
    rest = text[at:]
    while rest or (rest := pieces.more(1)):
        if rest.strip():
            raise torn(RejectReason.UNREADABLE, "something stands behind the array's end")
        rest = ""


def _element(text: str, at: int) -> tuple[list[dict[str, Any] | RejectedRecord], int, bool] | None:
    """Read one element and the mark behind it; None when more of the text is needed."""
    if text.startswith("]", at):
        return [], at + 1, True
    try:
        data, end = _exact.raw_decode(text, at)
    except json.JSONDecodeError as error:
        early = error.msg.startswith("Unterminated") or error.pos > len(text) - _NEAR
        if early:
            return None
        raise torn(RejectReason.UNREADABLE, f"the array is damaged: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise torn(RejectReason.UNREADABLE, f"the array is damaged: {error}") from error
    end = _behind_blanks(text, end)
    if end == len(text):
        return None
    if text[end] not in ",]":
        raise torn(RejectReason.UNREADABLE, "the array is damaged: no comma behind an element")
    if isinstance(data, _Doubled):
        element: dict[str, Any] | RejectedRecord = _doubled(data)
    else:
        element = data if isinstance(data, dict) else _not_an_object()
    return [element], end + 1, text[end] == "]"


def _behind_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


class _Pieces:
    """Gives text in as large pieces as are wanted; what was read before a tear comes first."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._end: Torn | None = None

    def more(self, want: int) -> str:
        """Give about so many characters; "" at the end, Torn where the data are torn."""
        taken: list[str] = []
        size = 0
        try:
            while size < want and (piece := next(self._pieces, "")):
                taken.append(piece)
                size += len(piece)
        except Torn as fault:
            self._end = fault
        if self._end is not None and not taken:
            raise self._end
        return "".join(taken)


def _decoded(chunks: Iterable[bytes], codec: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for chunk in chunks:
            if text := decoder.decode(chunk):
                yield text
    except UnicodeDecodeError as error:
        raise torn(
            RejectReason.UNREADABLE,
            f"byte 0x{error.object[error.start]:02X} is not {codec.upper()}: name the file's"
            " encoding in source.encoding",
        ) from error


def _plain(text: str | bytes, cause: Exception) -> Any:
    try:
        return _exact.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise RejectedRecord(RejectReason.UNREADABLE, detail=f"not JSON: {cause}") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _keys(text: str | bytes) -> int:
    """Count the keys of a JSON text, those of objects inside, too; some texts look like more."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if any(mark in raw for mark in _APART):
        return len(_KEY_END.findall(raw))
    return raw.count(b'":')


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for key, value in pairs:
            if made[key] != value:
                doubled = _Doubled(made)
                doubled.key = key
                return doubled
    return made


def _doubled(data: _Doubled) -> RejectedRecord:
    key = shown(data.key[:_LONGEST_NAME])
    return RejectedRecord(
        RejectReason.BAD_VALUE, detail=f"the key {key} stands twice, with different values"
    )


def _not_an_object() -> RejectedRecord:
    return RejectedRecord(RejectReason.UNREADABLE, detail="not a JSON object")


_exact = json.JSONDecoder(parse_constant=_no_number, strict=False, object_pairs_hook=_object)
