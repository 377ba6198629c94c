"""Readers of one attribute of a flat record, made once from a mapping and called for each row.

Whatever stands in a cell, a reader gives an exact value, None for "not known", or RejectedRecord
with the column and the value; nothing else, and in time linear in the value's length.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date as day
from enum import IntEnum
from functools import lru_cache
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import described, is_number_of_a_person, looks_personal
from lgsp_connectors.kit.mapping.attributes import words_of
from lgsp_connectors.kit.mapping.dates import Dates
from lgsp_connectors.kit.mapping.words import PLAIN, Words

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]
"""Reads one attribute of a row: None when it is not known, RejectedRecord when unusable."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")  # fits 64 bits
_MONEY = re.compile(
    r"([0-9]{1,3}(?:([., ])[0-9]{3})(?:\2[0-9]{3})*|[0-9]{1,15})\s?(?:đ|đồng|vnđ|vnd)?",
    re.IGNORECASE,
)
_SHOWN = 200  # characters of a value at fault


def constant(value: Any) -> Getter:
    """Make a reader that always gives `value`."""
    return lambda _row: value


def text(column: str, words: Words = PLAIN) -> Getter:
    """Make a reader of a text column."""
    read = words.read

    def get(row: Row) -> str | None:
        value = row.get(column)
        try:
            return read(value)
        except ValueError as error:
            raise RejectedRecord(RejectReason.BAD_VALUE, field=column, detail=str(error)) from None

    return get


def public_text(column: str, words: Words = PLAIN, *, any_number: bool = False) -> Getter:
    """Make a reader of a text column that stands in clear: what may be a person's is rejected.

    A column that has shifted, or a file without its header, would put names on the log.

    Args:
        column: its name.
        words: how its texts are compared.
        any_number: a number may look like that of a phone or a person, as dossier codes do.
    """
    read = text(column, words)
    may_be_personal = _may_be_personal if any_number else _may_be_personal_or_a_number

    def get(row: Row) -> str | None:
        found: str | None = read(row)
        if found is not None and may_be_personal(found):
            raise RejectedRecord(
                RejectReason.BAD_VALUE,
                field=column,
                value=described(found),
                detail="looks like a person's data; `map` or `map_file` names what is none",
            )
        return found

    return get


def whole(column: str, words: Words = PLAIN) -> Getter:
    """Make a reader of a column of whole numbers of at most 18 digits."""
    return _number(column, words, _whole, "not a whole number")


def money(column: str, words: Words = PLAIN) -> Getter:
    """Make a reader of a column of amounts in dong: 50000, 50.000, 50,000 đ."""
    return _number(column, words, _dong, "not an amount in dong")


def count(column: str, words: Words = PLAIN) -> Getter:
    """Make a reader of a column of counts."""
    return _number(column, words, _count, "not a count")


def date(column: str, dates: Dates) -> Getter:
    """Make a reader of a column of instants (ms UTC)."""
    read = dates.read

    def get(row: Row) -> int | None:
        value = row.get(column)
        try:
            return read(value)
        except ValueError as error:
            raise RejectedRecord(
                RejectReason.BAD_DATE, field=column, value=_shown(value), detail=str(error)
            ) from None

    return get


def mapped(
    column: str,
    table: Mapping[str, Any],
    *,
    default: Any,
    reason: RejectReason,
    words: Words = PLAIN,
) -> Getter:
    """Make a reader of a column through a value map; `default` None rejects what is not in it."""
    read, key = words.read, words.key
    known = {key(word): value for word, value in table.items()}

    def get(row: Row) -> Any:
        value = row.get(column)
        try:
            found = read(value)
        except ValueError as error:
            raise RejectedRecord(RejectReason.BAD_VALUE, field=column, detail=str(error)) from None
        if found is None:
            return known.get("")
        meant = known.get(key(found), default)
        if meant is None:
            raise RejectedRecord(
                reason, field=column, value=found, detail="not in the mapping's values"
            )
        return meant

    return get


def enum(
    column: str, kind: type[IntEnum], *, reason: RejectReason, words: Words = PLAIN
) -> Getter:
    """Make a reader of a column that already carries our names, or national numbers."""
    return mapped(column, words_of(kind), default=None, reason=reason, words=words)


def _number(column: str, words: Words, read: Callable[[str], int | None], detail: str) -> Getter:
    text_in = text(column, words)

    def get(row: Row) -> int | None:
        found = text_in(row)
        if found is None:
            return None
        number = read(found)
        if number is None:
            raise RejectedRecord(RejectReason.BAD_VALUE, field=column, value=found, detail=detail)
        return number

    return get


@lru_cache(65_536)  # most texts stand on many rows
def _may_be_personal(found: str) -> bool:
    """Tell whether a text may be a person's; a number alone may be a code."""
    return not (found.isascii() and found.isdecimal()) and looks_personal(found)


@lru_cache(65_536)
def _may_be_personal_or_a_number(found: str) -> bool:
    """Tell the same of a text that is no dossier's code: units have no number like a phone's."""
    return is_number_of_a_person(found) or _may_be_personal(found)


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _count(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) and text[0] not in "+-" else None


def _dong(text: str) -> int | None:
    found = _MONEY.fullmatch(text)
    return int(re.sub(r"\D", "", found[1])) if found else None


def _shown(value: Any) -> str:
    """Give the beginning of a value as text; of what is nested or endless, nothing."""
    if isinstance(value, str):
        return value[:_SHOWN]
    endless = isinstance(value, int) and value.bit_length() > _SHOWN * 3
    return "" if endless or not isinstance(value, (int, float, day)) else str(value)
