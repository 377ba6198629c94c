"""When a source stated a record: what orders its corrections (`stated_at:` in the YAML).

A later statement of a source wins over an earlier one, whatever the dates in them. Forms: a column
with its format; `{file_name: "xuat-%Y-%m-%d"}`; `file_time`; `row_order`; `last_change`; `none`.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.usable import FIRST_OBSERVATION
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.mapping.cells import Getter
from lgsp_connectors.kit.mapping.times import compile_format

_ZONE = "Asia/Ho_Chi_Minh"  # of times in file names
_DIRECTIVES = {"Y": r"\d{4}", **dict.fromkeys("mdHMS", r"\d{2}")}


class Statement(NamedTuple):
    """When a record was stated (ms UTC; None: when it occurred), and its row among equal ones."""

    at: int | None = None
    row: int = 0


Stated = Callable[[Record, int | None], Statement]
"""Gives the statement of a record; the second argument is when it says it last changed."""


def by_file_time(record: Record, _changed: int | None) -> Statement:
    """State when the file was last written, row after row; a time before 2000 is no time."""
    at = record.file_time
    return Statement() if at is None else Statement(max(at, FIRST_OBSERVATION), record.row)


def by_row_order(record: Record, _changed: int | None) -> Statement:
    """State by the row alone: for one file whose later rows correct earlier ones."""
    return Statement(FIRST_OBSERVATION, record.row)


def by_last_change(_record: Record, changed: int | None) -> Statement:
    """State when the record last changed, by its own word."""
    return Statement(changed)


def unordered(_record: Record, _changed: int | None) -> Statement:
    """Nothing orders the statements."""
    return Statement()


WORDS: dict[str, Stated] = {
    "file_time": by_file_time,
    "row_order": by_row_order,
    "last_change": by_last_change,
    "none": unordered,
}


_IN_WORDS = {
    "file_time": "a later file wins, and in it a later row",
    "row_order": "a later row wins, in whatever file",
    "last_change": "the row that changed last, by its own word, wins",
    "occurred_at": "the later step wins",
    "none": "nothing orders them: other values of a known dossier lower the trust in the figures",
}


def order_in_words(spec: Any) -> str:
    """Say what a `stated_at:` key that was found good means for corrections."""
    if isinstance(spec, str):
        return f"{spec}: {_IN_WORDS[spec]}"
    if "file_name" in spec:
        return f"{spec['file_name']} in the file's name: the later one wins, and in it a later row"
    return f"column {spec['field']}: the later time wins; where it is empty, the later file"


def compile_statement(spec: Any, date_getter: Callable[[dict[str, Any]], Getter]) -> Stated:
    """Compile a `stated_at:` key.

    Args:
        spec: the key as parsed YAML.
        date_getter: compiles the form of a date column.

    Raises:
        ValueError: it means nothing.
    """
    if isinstance(spec, str) and spec in WORDS:
        return WORDS[spec]
    if isinstance(spec, dict) and set(spec) == {"file_name"}:
        return _by_file_name(spec["file_name"])
    if isinstance(spec, dict) and "field" in spec:
        return _by_column(date_getter(spec))
    raise ValueError(f"none of: {', '.join(WORDS)}, {{file_name}}, {{field, format, timezone}}")


def _by_column(read: Getter) -> Stated:
    def stated(record: Record, _changed: int | None) -> Statement:
        at = read(record.data)
        return Statement(at) if at is not None else by_file_time(record, None)

    return stated


def _by_file_name(pattern: Any) -> Stated:
    if not isinstance(pattern, str) or "%Y" not in pattern:
        raise ValueError("file_name takes a pattern with %Y, %m and %d")
    parts = re.split(r"%(.)", pattern)
    known, form = [], []
    for i, part in enumerate(parts):
        if i % 2 == 0:
            known.append(re.escape(part))
        elif part in _DIRECTIVES and part not in form:
            known.append(f"({_DIRECTIVES[part]})")
            form.append(part)
        else:
            raise ValueError(f"%{part} is not known in file_name, or stands twice")
    find = re.compile("".join(known)).search
    parse = compile_format(" ".join(f"%{part}" for part in form), _ZONE)

    def stated(record: Record, _changed: int | None) -> Statement:
        found = find(record.file)
        try:
            if found is not None:
                return Statement(parse(" ".join(found.groups())), record.row)
        except ValueError:
            pass  # 31 February: the same as no time
        raise RejectedRecord(
            RejectReason.BAD_DATE,
            field="stated_at",
            value=record.file,
            detail=f"the file's name has no time of the form {pattern}",
        )

    return stated
