"""How the texts of one portal are read: what means "not known", and how words are compared."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from lgsp.domain.usable import LONGEST_TEXT, text_fault

_LONGEST = 4 * LONGEST_TEXT  # characters, before a text is in its shorter form
_CACHED = 256  # characters of texts that are worth remembering
_DOUBTFUL = 2.0**53  # from here on a float may have been an integer with more digits
_INVISIBLE = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_BLANKS = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def text_of(value: Any) -> str | None:
    """Give a value as trimmed text in NFC, None when it is empty or null.

    Raises:
        ValueError: it is a list or an object, a number that is none or has lost digits, or a text
            that cannot be kept: too long, with a zero byte, with half a surrogate pair. The
            message never quotes the value.
    """
    if isinstance(value, str):
        return _clean(value) if len(value) <= _CACHED else _cleaned(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _digits(value)
    if isinstance(value, float):
        return _number(value)
    raise ValueError(f"a single value is expected, not {_kind(value)}")


def visible(text: str) -> str:
    """Give a text without what nobody sees, controls and marks; each blank is a plain one.

    Two codes that differ by nothing else are one for whoever reads them.
    """
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text))


def _digits(value: int) -> str:
    if value.bit_length() > 3 * LONGEST_TEXT:  # 3.3 bits a digit
        raise ValueError(f"the number has more than {LONGEST_TEXT} digits")
    return str(value)


def _number(value: float) -> str:
    if not abs(value) < _DOUBTFUL:  # NaN is not less than anything
        raise ValueError(
            "the number has lost digits: let it be a text"
            if abs(value) < float("inf")
            else "not a number"
        )
    return str(int(value)) if value.is_integer() else repr(value)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else type(value).__name__


def _cleaned(text: str) -> str | None:
    text = visible(text).strip()
    if len(text) > _LONGEST:  # to bring it into NFC may take quadratic time
        raise ValueError(text_fault(text))
    clean = unicodedata.normalize("NFC", text)
    if fault := text_fault(clean):
        raise ValueError(fault)
    return clean or None


_clean = lru_cache(65_536)(_cleaned)  # most texts stand on many rows


def folded(text: str) -> str:
    """Give a word as it is compared without case, Unicode form and runs of blanks.

    Diacritics are kept: `mới` and `moi` are two words.
    """
    decomposed = unicodedata.normalize("NFD", text).casefold()
    return " ".join(unicodedata.normalize("NFC", decomposed).split())


class Words:
    """The words of one YAML.

    Args:
        missing: texts that mean "not known", in every column.
        fold: words are compared without case, Unicode form and runs of blanks.
    """

    def __init__(self, missing: Iterable[str] = (), *, fold: bool = False) -> None:
        self.key: Callable[[str], str] = lru_cache(65_536)(folded) if fold else str
        self.missing = tuple(missing)
        self._missing = {self.key(text) for word in missing if (text := text_of(word))}
        self.read = self._read if self._missing else text_of

    def _read(self, value: Any) -> str | None:
        """Give a value as text, None when it means "not known"; ValueError as `text_of`."""
        found = text_of(value)
        return None if found is None or self.key(found) in self._missing else found


PLAIN = Words()


def read_word_file(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give line and two cells of each row of a `map_file`: word, value.

    Cells stand between `,`, `;` or tabs, whichever the first row has; a first row `word,value` is
    a header; empty rows are none.

    Raises:
        ValueError: the file cannot be read, or a row has not two cells; the message begins with
            the file's name and, for a row, its line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path.name}:{line}: not UTF-8: save it so") from error
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in rows:
            words = [cell.strip() for cell in cells]
            if not any(words) or (rows.line_num == 1 and words == ["word", "value"]):
                continue
            if len(words) != 2:
                raise ValueError(
                    f"{path.name}:{rows.line_num}: two columns are expected (word, value),"
                    f" not {len(words)}"
                )
            yield rows.line_num, words
    except csv.Error as error:
        raise ValueError(f"{path.name}:{rows.line_num}: {error}") from error
