"""The words of a row that its maps are asked for, and what each means there."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from lgsp.domain.errors import RejectedRecord
from lgsp.runtime.personal import shown
from lgsp_connectors.kit.contract import Word
from lgsp_connectors.kit.mapping.cells import Getter
from lgsp_connectors.kit.mapping.words import text_of

Lookups = Mapping[str, tuple[str, Getter]]
"""Attribute -> column, and the reader that looks its word up."""


def words_of_row(row: Any, lookups: Lookups) -> list[Word]:
    """Give each word that is looked up; of a row that is none, nothing."""
    if not isinstance(row, Mapping):
        return []
    found = []
    for attribute, (column, get) in lookups.items():
        value = row.get(column)
        try:
            word = text_of(value)
        except ValueError:
            continue  # no word at all: its reject says so
        if word is not None:
            found.append(Word(attribute, column, shown(word), _meaning(get, column, value)))
    return found


def _meaning(get: Getter, column: str, value: Any) -> str:
    try:
        meant = get({column: value})
    except RejectedRecord:
        return ""
    return (
        meant.name if isinstance(meant, IntEnum) else "not known" if meant is None else str(meant)
    )
