"""One form of the mapping: which keys go together, and what may stand behind each."""

import re
from typing import Any

from lgsp.runtime.documents.faults import Keyed, nearest, shown
from lgsp_connectors.kit.mapping.attributes import (
    DATES,
    OF_FILE,
    enum_of_attribute,
    is_number,
    words_of,
)
from lgsp_connectors.kit.mapping.words import text_of

STATED = "stated_at"
_SOURCES = ("field", "const", "file_name")
_OF_DATES = ("format", "timezone", "date_only")
_OF_VALUES = ("map", "map_file", "default")
_KEYS = (*_SOURCES, *_OF_DATES, *_OF_VALUES)
_FORMS = (
    "a form is a column name, {field}, {const}, {field, map or map_file, default} or"
    " {field, format, timezone, date_only}; {file_name} may stand for {field}"
)


class FormError(Exception):
    """A form that means nothing, by its path in the block."""

    def __init__(self, where: tuple[Any, ...], message: str, value: object = None) -> None:
        super().__init__(message)
        self.keyed: Keyed = (where, message, None if value is None else shown(value))


def fields_of(form: Any, where: tuple[str, ...]) -> dict[str, Any]:
    """Bring a form into its long way of writing, and check its keys."""
    if isinstance(form, str):
        return {"field": form}
    fields = mapping_of(form, where)
    for key in fields.keys() - set(_KEYS):
        raise FormError((*where, key), f"unknown key{nearest(key, _KEYS)}")
    is_date = str(where[-1]).removesuffix(OF_FILE) in (*DATES, STATED)
    if is_date and not fields.keys() <= {"field", "file_name", *_OF_DATES}:
        raise FormError(where, "a date takes {field, format, timezone, date_only}")
    if not is_date and fields.keys() & set(_OF_DATES):
        raise FormError(where, "only dates take format, timezone and date_only")
    mapped = len(fields.keys() & {"map", "map_file"})
    if (
        len(fields.keys() & set(_SOURCES)) != 1
        or ("const" in fields and len(fields) > 1)
        or mapped > 1
        or ("default" in fields and not mapped)
    ):
        raise FormError(where, f"keys {', '.join(fields)} do not go together; {_FORMS}")
    return fields


def mapping_of(form: Any, where: tuple[str, ...]) -> dict[str, Any]:
    """Give a form as the mapping that it must be."""
    if not isinstance(form, dict) or not form:
        raise FormError(where, "a column name or a form is expected", form)
    return form


def column_of(fields: dict[str, Any], where: tuple[str, ...]) -> str:
    """Give the column that a form names."""
    if not isinstance(column := fields.get("field"), str) or not column:
        raise FormError(where, "a column name is expected", column)
    return column


def word_of(word: Any, where: tuple[Any, ...]) -> str:
    """Give a word of the YAML as text; "" for none."""
    try:
        return text_of(word) or ""
    except ValueError as error:
        raise FormError(where, str(error)) from error


def value_of(name: str, value: Any, where: tuple[Any, ...]) -> Any:
    """Check a value written in the YAML against the attribute."""
    text = word_of(value, where)
    kind = enum_of_attribute(name)
    if kind is not None:
        words = words_of(kind)
        if text not in words:
            names = [word for word in words if not word.isdecimal()]
            raise FormError(where, f"no {name}{nearest(value, names)}", value)
        return words[text]
    if is_number(name):
        if not re.fullmatch("-?[0-9]{1,18}", text) or isinstance(value, bool):
            raise FormError(where, "a whole number is expected", value)
        return int(text)
    return text or None
