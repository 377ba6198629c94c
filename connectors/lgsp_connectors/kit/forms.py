"""The closed mapping of a YAML: its forms, compiled once into readers, all faults at once.

Forms: a column name; {field}; {const}; {field, map, default}; {field, format, timezone}.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from lgsp.domain.codes import DOSSIER
from lgsp.domain.errors import ConfigurationError, RejectReason
from lgsp.domain.status import Status
from lgsp.runtime.faults import Keyed, keyed, nearest, shown
from lgsp_connectors.kit import cells
from lgsp_connectors.kit.cells import Getter
from lgsp_connectors.kit.contract import Context
from lgsp_connectors.kit.mapping import DATES, ENUMS, TEXTS, Mapper, Shape
from lgsp_connectors.kit.statements import Stated, by_file_time, compile_statement, unordered
from lgsp_connectors.kit.times import compile_format, compile_iso

ATTRIBUTES = (*TEXTS, *ENUMS, *DATES, "sequence", "sealed")
PERSONAL = ("owner_name", "owner_id", "owner_kind", "phone", "email")
REJECT = "reject"
_NEEDED: dict[str, tuple[str, ...]] = {
    "dossiers": ("dossier_code", "agency"),
    "steps": ("dossier_code", "agency", "status", "occurred_at"),
}
_FORMS = (
    {"field"},
    {"const"},
    {"field", "map"},
    {"field", "map", "default"},
    {"field", "format"},
    {"field", "timezone"},
    {"field", "format", "timezone"},
)
_KEYS = set().union(*_FORMS)


def compile_mapping(
    spec: Mapping[str, Any],
    shape: Shape,
    code_pattern: str,
    context: Context,
    stated_at: Any = None,
) -> Mapper:
    """Compile a `mapping:` block.

    Args:
        spec: the block as parsed YAML.
        shape: `dossiers` or `steps`.
        code_pattern: see `code_form`.
        context: identity, and the document for messages.
        stated_at: what orders corrections (kit/statements.py); None: a dossier's file, a step's
            own time.

    Raises:
        ConfigurationError: naming file, line and key of every fault.
    """
    compiled = _Compiled(spec, shape)
    if compiled.faults:
        raise ConfigurationError(
            context.document.fault(("mapping", *path), message, value)
            for path, message, value in compiled.faults
        )
    columns = dict(compiled.columns)
    if isinstance(stated_at, dict) and "field" in stated_at:
        columns["stated_at"] = str(stated_at["field"])
    stated = by_file_time if shape == "dossiers" else unordered
    return Mapper(
        compiled.getters,
        columns,
        context,
        shape=shape,
        code_pattern=code_form(code_pattern),
        sealed=compiled.sealed,
        stated=stated if stated_at is None else _stated(stated_at),
    )


def _stated(spec: Any) -> Stated:
    return compile_statement(spec, partial(_date_getter, "stated_at"))


def _checked_stated(spec: Any) -> Any:
    try:
        if spec is not None:
            _stated(spec)
    except _FaultError as error:
        raise ValueError(str(error)) from error
    return spec


def code_form(text: str) -> re.Pattern[str] | None:
    """Give the form of the dossier codes: "" the national one, `any` (None), or an expression.

    Raises:
        ValueError: it is no regular expression.
    """
    if not text:
        return DOSSIER
    if text == "any":
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _checked_pattern(text: str) -> str:
    code_form(text)
    return text


def _checked_mapping(spec: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Find every fault of a block while its YAML is validated."""
    if faults := _Compiled(spec, info.data.get("shape")).faults:
        raise keyed(faults)
    return spec


def _checked_status(value: Any) -> Status:
    status = cells.enum_of(Status, value)
    if not isinstance(status, Status):
        names = [member.name for member in Status if member]
        raise ValueError(f"no national status: 1 to 10{nearest(value, names)}")
    return status


StatusCode = Annotated[Status, BeforeValidator(_checked_status)]
"""A national status in a connector's settings, by number or by name."""

CodePattern = Annotated[str, AfterValidator(_checked_pattern)]
"""A `dossier_code_pattern:` of a connector's settings."""

StatedBlock = Annotated[str | dict[str, Any] | None, AfterValidator(_checked_stated)]
"""A `stated_at:` of a connector's settings."""

MappingBlock = Annotated[dict[str, Any], AfterValidator(_checked_mapping)]
"""A `mapping:` of a connector's settings; `shape`, a field before it, says what is needed."""


class _FaultError(Exception):
    """A form that means nothing, by its path in the block."""

    def __init__(self, where: tuple[Any, ...], message: str, value: object = None) -> None:
        super().__init__(message)
        self.keyed: Keyed = (where, message, None if value is None else shown(value))


class _Compiled:
    """The readers of a block, and all that is wrong with it."""

    def __init__(self, spec: Mapping[str, Any], shape: Shape | None) -> None:
        self.getters: dict[str, Getter] = {}
        self.columns: dict[str, str] = {}
        self.sealed: dict[str, Getter] = {}
        self.faults: list[Keyed] = []
        for name, form in spec.items():
            with self._gathered():
                self._attribute(name, form)
        for name in _NEEDED.get(shape or "", ()):
            if name not in spec:
                self.faults.append(((), f"shape {shape} needs the attribute {name}", None))
        if not spec.keys() & set(DATES) - {"due_at"}:
            self.faults.append(((), "no date is mapped", None))

    @contextmanager
    def _gathered(self) -> Iterator[None]:
        try:
            yield
        except _FaultError as error:
            self.faults.append(error.keyed)

    def _attribute(self, name: str, form: Any) -> None:
        if name not in ATTRIBUTES:
            raise _FaultError((name,), f"unknown attribute{nearest(name, ATTRIBUTES)}")
        if name != "sealed":
            fields = _fields(form, (name,))
            if "field" in fields:
                self.columns[name] = _column(fields, (name,))
            self.getters[name] = self._getter(name, fields)
            return
        for inner, part in _mapping_of(form, (name,)).items():
            with self._gathered():
                if inner not in PERSONAL:
                    raise _FaultError((name, inner), f"unknown{nearest(inner, PERSONAL)}")
                column = _column(_fields(part, (name, inner)), (name, inner))
                self.columns[f"sealed.{inner}"] = column
                self.sealed[inner] = cells.text(column)

    def _getter(self, name: str, fields: dict[str, Any]) -> Getter:
        if name in DATES:
            return _date_getter(name, fields)
        if "format" in fields or "timezone" in fields:
            raise _FaultError((name,), "only dates take format and timezone")
        if "const" in fields:
            return cells.constant(_value(name, fields["const"], (name, "const")))
        column = fields["field"]
        unmapped = (
            RejectReason.UNMAPPED_STATUS if name == "status" else RejectReason.UNMAPPED_VALUE
        )
        if "map" not in fields:
            if name in ENUMS:
                return cells.enum(column, ENUMS[name], reason=unmapped)
            return cells.whole(column) if name == "sequence" else cells.text(column)
        table: dict[str, Any] = {}
        for word, value in _mapping_of(fields["map"], (name, "map")).items():
            with self._gathered():
                table[cells.text_of(word) or ""] = _value(name, value, (name, "map", word))
        default = fields.get("default", REJECT)
        fallback = None if default == REJECT else _value(name, default, (name, "default"))
        return cells.mapped(column, table, default=fallback, reason=unmapped)


def _fields(form: Any, where: tuple[str, ...]) -> dict[str, Any]:
    """Bring a form into its long way of writing, and check its keys."""
    if isinstance(form, str):
        return {"field": form}
    fields = _mapping_of(form, where)
    for key in fields.keys() - _KEYS:
        raise _FaultError((*where, key), f"unknown key{nearest(key, sorted(_KEYS))}")
    if set(fields) not in _FORMS:
        raise _FaultError(
            where,
            f"keys {', '.join(map(str, fields))} do not go together; a form is a column name,"
            " {field}, {const}, {field, map, default} or {field, format, timezone}",
        )
    return fields


def _mapping_of(form: Any, where: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(form, dict) or not form:
        raise _FaultError(where, "a column name or a form is expected", form)
    return form


def _column(fields: dict[str, Any], where: tuple[str, ...]) -> str:
    if not isinstance(column := fields.get("field"), str) or not column:
        raise _FaultError(where, "a column name is expected", column)
    return column


def _date_getter(name: str, fields: dict[str, Any]) -> Getter:
    if "const" in fields or "map" in fields:
        raise _FaultError((name,), "a date takes {field, format, timezone}")
    form, zone = fields.get("format", "iso"), fields.get("timezone")
    try:
        parse = compile_iso(zone) if form == "iso" else compile_format(form, zone)
    except (ValueError, TypeError) as error:
        raise _FaultError((name,), str(error)) from error
    return cells.date(fields["field"], parse)


def _value(name: str, value: Any, where: tuple[Any, ...]) -> Any:
    """Check a value written in the YAML against the attribute."""
    try:
        word = cells.text_of(value)
    except ValueError as error:
        raise _FaultError(where, str(error)) from error
    if name in ENUMS:
        member = cells.enum_of(ENUMS[name], value)
        if member is None:
            names = [m.name for m in ENUMS[name] if name != "status" or m]
            raise _FaultError(where, f"no {name}{nearest(value, names)}", value)
        return member
    if name == "sequence" and not isinstance(value, int):
        raise _FaultError(where, "a whole number is expected", value)
    return value if name == "sequence" else word
