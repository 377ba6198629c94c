"""Readers of one attribute of a flat record, made once from a mapping and called for each row."""

import unicodedata
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.status import Status
from lgsp_connectors.kit.times import Parse

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]
"""Reads one attribute of a row: None when it is not known, RejectedRecord when unusable."""

_EARLIEST = 631_152_000_000  # 1990-01-01: no portal is older, so an earlier date is a slip
_LATEST = 4_102_444_800_000  # 2100-01-01: later dates stand for "never"


def text_of(value: Any) -> str | None:
    """Give a cell as trimmed text in NFC; None when empty or null; ValueError for a nested one."""
    if isinstance(value, str):
        text = value if value.isascii() else unicodedata.normalize("NFC", value)
        return text.strip() or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise ValueError(f"a single value is expected, not {type(value).__name__}")


def constant(value: Any) -> Getter:
    """Make a reader that always gives `value`."""
    return lambda _row: value


def text(column: str) -> Getter:
    """Make a reader of a text column."""

    def get(row: Row) -> str | None:
        try:
            return text_of(row.get(column))
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
    """Make a reader of a column of instants (ms UTC), from 1990 to 2099."""

    def slow(value: Any) -> int | None:
        try:
            found = text_of(value)
            return None if found is None else parse(found)
        except ValueError as error:
            raise RejectedRecord(
                RejectReason.BAD_DATE, field=column, value=str(value), detail=str(error)
            ) from error

    def get(row: Row) -> int | None:
        value = row.get(column)
        if not value:
            return None
        try:
            at = parse(value)
        except (ValueError, TypeError):
            slow_at = slow(value)
            if slow_at is None:
                return None
            at = slow_at
        if at < _EARLIEST or at >= _LATEST:
            raise RejectedRecord(
                RejectReason.BAD_DATE,
                field=column,
                value=str(value),
                detail="not between 1990 and 2099",
            )
        return at

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
