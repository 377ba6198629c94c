"""The closed mapping of a YAML: its forms, compiled once into readers, all faults at once.

Forms: a column name; {field}; {const}; {field, map or map_file, default}; {field, format,
timezone, date_only}; and {file_name} in the place of {field}.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.documents.faults import Keyed, nearest
from lgsp_connectors.kit.mapping import cells
from lgsp_connectors.kit.mapping.attributes import (
    ATTRIBUTES,
    DATES,
    OF_FILE,
    PERSONAL,
    enum_of_attribute,
    is_number,
)
from lgsp_connectors.kit.mapping.cells import Getter
from lgsp_connectors.kit.mapping.dates import ISO, Dates
from lgsp_connectors.kit.mapping.form_parts import (
    FormError,
    column_of,
    fields_of,
    mapping_of,
    value_of,
    word_of,
)
from lgsp_connectors.kit.mapping.patterns import bounded
from lgsp_connectors.kit.mapping.words import Words, read_word_file

Shape = Literal["dossiers", "steps"]
FILE_NAME = "file name"
"""The column, so to say, of the readers of a file's name."""

REJECT = "reject"
_NEEDED: dict[str, tuple[str, ...]] = {
    "dossiers": ("dossier_code", "agency"),
    "steps": ("dossier_code", "agency", "status", "occurred_at"),
}
_ENDS = {"end_of_day": True, "start_of_day": False}
_NUMBERS: dict[str, Callable[[str, Words], Getter]] = {"sequence": cells.whole, "fee": cells.money}


class Forms:
    """The readers of a mapping block, and all that is wrong with it.

    Args:
        spec: the block as parsed YAML.
        shape: what a row is; None: not known.
        words: how texts are read and compared.
        folder: where the files that it names stand.
    """

    def __init__(
        self, spec: Mapping[str, Any], shape: Shape | None, words: Words, folder: Path
    ) -> None:
        self._words, self._folder = words, folder
        self.getters: dict[str, Getter] = {}
        self.columns: dict[str, str] = {}
        self.sealed: dict[str, Getter] = {}
        self.of_file: dict[str, Getter] = {}
        self.looked_up: list[str] = []
        self.faults: list[Keyed] = []
        for name, form in spec.items():
            with self._gathered():
                self._attribute(str(name), form)
        stated = {str(name).removesuffix(OF_FILE) for name in spec}
        for name in _NEEDED.get(shape or "", ()):
            if name not in stated:
                self.faults.append(((), f"shape {shape} needs the attribute {name}", None))
        if not stated & set(DATES) - {"due_at"}:
            self.faults.append(((), "no date is mapped", None))

    @contextmanager
    def _gathered(self) -> Iterator[None]:
        try:
            yield
        except FormError as error:
            self.faults.append(error.keyed)

    def _attribute(self, key: str, form: Any) -> None:
        name = key.removesuffix(OF_FILE)
        if key == "sealed":
            self._sealed(form)
            return
        if name not in ATTRIBUTES:
            raise FormError((key,), f"unknown attribute{nearest(key, (*ATTRIBUTES, 'sealed'))}")
        fields = fields_of(form, (key,))
        if key != name and "file_name" not in fields:
            raise FormError((key,), "{file_name: EXPRESSION} is expected", form)
        if "file_name" in fields:
            read = self._reader(name, key, FILE_NAME, fields)
            self.of_file[name] = _of_file_name(name, key, fields["file_name"], read)
        elif "const" in fields:
            self.getters[name] = cells.constant(value_of(name, fields["const"], (key, "const")))
        else:
            column = self.columns[name] = column_of(fields, (key,))
            self.getters[name] = self._reader(name, key, column, fields)
            if enum_of_attribute(name) or fields.keys() & {"map", "map_file"}:
                self.looked_up.append(name)

    def _sealed(self, form: Any) -> None:
        for inner, part in mapping_of(form, ("sealed",)).items():
            with self._gathered():
                if inner not in PERSONAL:
                    raise FormError(("sealed", inner), f"unknown{nearest(inner, PERSONAL)}")
                fields = fields_of(part, ("sealed", inner))
                if set(fields) != {"field"}:
                    raise FormError(("sealed", inner), "a column name is expected", part)
                column = column_of(fields, ("sealed", inner))
                self.columns[f"sealed.{inner}"] = column
                self.sealed[inner] = cells.text(column, self._words)

    def _reader(self, name: str, key: str, column: str, fields: dict[str, Any]) -> Getter:
        """Make the reader of an attribute from a column of texts."""
        kind, words = enum_of_attribute(name), self._words
        if name in DATES:
            return cells.date(column, _dates(name, fields, words, (key,)))
        reason = RejectReason.UNMAPPED_STATUS if name == "status" else RejectReason.UNMAPPED_VALUE
        if "map" in fields or "map_file" in fields:
            table = self._table(name, key, fields)
            default = fields.get("default", REJECT)
            fallback = None if default == REJECT else value_of(name, default, (key, "default"))
            return cells.mapped(column, table, default=fallback, reason=reason, words=words)
        if kind is not None:
            return cells.enum(column, kind, reason=reason, words=words)
        if is_number(name):
            return _NUMBERS.get(name, cells.count)(column, words)
        return cells.public_text(column, words, any_number=name == "dossier_code")

    def _table(self, name: str, key: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Give the words of a map with their values."""
        table: dict[str, Any] = {}
        seen: dict[str, str] = {}
        for word, value, where in self._pairs(key, fields):
            with self._gathered():
                meant, text = value_of(name, value, where), word_of(word, where)
                same = self._words.key(text)
                if same in seen and table[seen[same]] != meant:
                    raise FormError(where, f"means the same as {seen[same]!r}, with another value")
                if text and self._words.read(text) is None:
                    raise FormError(where, "stands among the words of `missing`, too")
                seen[same] = text
                table[text] = meant
        return table

    def _pairs(
        self, key: str, fields: dict[str, Any]
    ) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
        """Give word, value and place of each entry of `map`, or of the file of `map_file`."""
        if "map" in fields:
            for word, value in mapping_of(fields["map"], (key, "map")).items():
                yield word, value, (key, "map", word)
            return
        name, where = fields["map_file"], (key, "map_file")
        if not isinstance(name, str) or not name:
            raise FormError(where, "the name of a file is expected", name)
        try:
            for line, (word, value) in read_word_file(self._folder / name):
                with self._located(f"{name}:{line}: "):
                    yield word, value, where
        except ValueError as error:
            raise FormError(where, str(error)) from error

    @contextmanager
    def _located(self, place: str) -> Iterator[None]:
        """Name the place in another file of what is found wrong inside."""
        before = len(self.faults)
        yield
        self.faults[before:] = [(k, place + m, v) for k, m, v in self.faults[before:]]


def date_column(name: str, form: Any, words: Words) -> tuple[str, Getter]:
    """Give column and reader of a date in the form {field, format, timezone, date_only}.

    Raises:
        FormError: the form means nothing.
    """
    fields = fields_of(form, (name,))
    column = column_of(fields, (name,))
    return column, cells.date(column, _dates(name, fields, words, (name,)))


def _dates(name: str, fields: dict[str, Any], words: Words, where: tuple[Any, ...]) -> Dates:
    """Make the reader of a date's texts."""
    forms, end = fields.get("format", ISO), fields.get("date_only")
    forms = [forms] if isinstance(forms, str) else forms
    if not isinstance(forms, list) or not forms or not all(isinstance(f, str) for f in forms):
        raise FormError((*where, "format"), "a format, or a list of them, is expected", forms)
    if end is not None and end not in _ENDS:
        raise FormError((*where, "date_only"), f"unknown{nearest(end, _ENDS)}", end)
    ends = name == "due_at" if end is None else _ENDS[end]
    try:
        return Dates(forms, fields.get("timezone"), end_of_day=ends, words=words)
    except (ValueError, TypeError) as error:
        raise FormError(where, str(error)) from error


def _of_file_name(name: str, key: str, pattern: Any, read: Getter) -> Getter:
    """Make a reader of what an expression finds in a file's name; `read` reads the text found.

    The group that is named as the attribute counts, else the only group. A name in which nothing
    is found rejects the record, unless the key only fills in what the row does not tell.
    """
    where = (key, "file_name")
    try:
        expression = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise FormError(where, f"not a regular expression: {error}", pattern) from error
    group = expression.groupindex.get(name, 1)
    if not expression.groups or (expression.groups > 1 and name not in expression.groupindex):
        raise FormError(where, f"a group (?P<{name}>…) is expected", pattern)

    def endless() -> RejectedRecord:
        return RejectedRecord(
            RejectReason.BAD_VALUE,
            field=FILE_NAME,
            detail=f"mapping.{key}.file_name comes to no end on it:"
            " let no repeat stand in a repeat",
        )

    search = bounded(expression.search, endless)

    def get(row: cells.Row) -> Any:
        found = search(row[FILE_NAME])
        if found is not None and found[group]:
            return read({FILE_NAME: found[group]})
        if key != name:
            return None
        raise RejectedRecord(
            RejectReason.MISSING_FIELD,
            field=FILE_NAME,
            detail=f"the file's name does not tell {name} (mapping.{key}.file_name)",
        )

    return get
