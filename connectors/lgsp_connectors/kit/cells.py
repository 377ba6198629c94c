"""Readers of one attribute of a flat record, made once from a mapping and called for each row."""

import unicodedata
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.status import Status
from lgsp.domain.usable import text_fault
from lgsp.domain.working_time import FIRST_YEAR, KNOWN_YEARS, LAST_YEAR
from lgsp_connectors.kit.times import Parse

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]
"""Reads one attribute of a row: None when it is not known, RejectedRecord when unusable."""


def text_of(value: Any) -> str | None:
    """Give a cell as trimmed text in NFC; None when empty or null; ValueError for a nested one."""
    if isinstance(value, str):
        return _clean(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise ValueError(f"a single value is expected, not {type(value).__name__}")


@lru_cache(65_536)  # most texts stand on many rows
def _clean(text: str) -> str | None:
    clean = unicodedata.normalize("NFC", text).strip()
    if fault := text_fault(clean):
        raise ValueError(fault)
    return clean or None


def constant(value: Any) -> Getter:
    """Make a reader that always gives `value`."""
    return lambda _row: value


def text(column: str) -> Getter:
    """Make a reader of a text column."""

    def get(row: Row) -> str | None:
        value = row.get(column)
        try:
            return _clean(value) if value.__class__ is str else text_of(value)
        except ValueError as error:
            raise RejectedRecord(
                RejectReason.BAD_VALUE, field=column, detail=str(error)
            ) from error

    return get


def whole(column: str) -> Getter:
    """Make a reader of a column of whole numbers."""
    read = text(column)

    def get(row: Row) -> int | None:
        found = read(row)
        try:
            return None if found is None else int(found)
        except ValueError as error:
            raise RejectedRecord(
                RejectReason.BAD_VALUE, field=column, value=found, detail="not a whole number"
            ) from error

    return get


def date(column: str, parse: Parse) -> Getter:
    """Make a reader of a column of instants (ms UTC) of the years that the calendar knows."""

    @lru_cache(65_536)  # the dates of a dossier stand on each of its rows
    def instant(text: str) -> int:
        at = parse(text)
        if not KNOWN_YEARS.covers(at):
            raise ValueError(f"not between {FIRST_YEAR} and {LAST_YEAR}")
        return at

    def get(row: Row) -> int | None:
        value = row.get(column)
        if not value:
            return None
        try:
            return instant(value)
        except (ValueError, TypeError):
            return slow(value)  # padded, not a text, or no date at all

    def slow(value: Any) -> int | None:
        try:
            found = text_of(value)
            return None if found is None else instant(found)
        except ValueError as error:
            raise RejectedRecord(
                RejectReason.BAD_DATE, field=column, value=str(value), detail=str(error)
            ) from error

    return get


def mapped(column: str, table: Mapping[str, Any], *, default: Any, reason: RejectReason) -> Getter:
    """Make a reader of a column through a value map; `default` None rejects what is not in it."""
    read = text(column)
    quick = dict(table)

    def get(row: Row) -> Any:
        value = row.get(column)
        if value.__class__ is str and value in quick:
            return quick[value]
        found = read(row)
        if found is None:
            return quick.get("")
        known = quick.get(found, default)
        if known is None:
            raise RejectedRecord(
                reason, field=column, value=found, detail="not in the mapping's values"
            )
        return known

    return get


def enum_of(kind: type[IntEnum], value: Any) -> IntEnum | None:
    """Give the member that `value` names, by name or by number; None when there is none."""
    word = text_of(value)
    if word is None:
        return None
    if word.isdecimal():
        number = int(word)
        known = number in kind._value2member_map_
        return kind(number) if known and (number or kind is not Status) else None
    return kind.__members__.get(word) if word != "UNKNOWN" or kind is not Status else None


def enum(column: str, kind: type[IntEnum], *, reason: RejectReason) -> Getter:
    """Make a reader of a column that already carries our names or the national numbers."""
    table: dict[str, IntEnum] = {}
    for member in kind:
        if enum_of(kind, member.name) is not None:
            table[member.name] = table[str(int(member))] = member
    return mapped(column, table, default=None, reason=reason)
