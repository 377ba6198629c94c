"""The closed mapping of a flat record: read once from YAML, compiled once, then fast and pure.

Forms: a column name; {field}; {const}; {field, map, default}; {field, format, timezone}.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Literal

from lgsp.domain.codes import DOSSIER
from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp_connectors.kit import cells
from lgsp_connectors.kit.cells import Getter, Row
from lgsp_connectors.kit.contract import Context
from lgsp_connectors.kit.derive import Facts, from_dossier, from_step
from lgsp_connectors.kit.times import compile_format, compile_iso

Shape = Literal["dossiers", "steps"]

TEXTS = ("dossier_code", "agency", "procedure", "domain")
ENUMS: dict[str, type[IntEnum]] = {
    "service_level": ServiceLevel,
    "channel": Channel,
    "status": Status,
}
DATES = ("occurred_at", "submitted_at", "received_at", "due_at", "finished_at", "returned_at")
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
_DAY_MS = 86_400_000
_NOTHING = cells.constant(None)


class Mapper:
    """Turns rows of one portal into events.

    Args:
        getters: a reader for each attribute that the portal states.
        columns: the columns that they read, by attribute.
        context: identity of the portal and how to seal.
        shape: what a row is.
        code_pattern: form of the dossier codes; None: any text.
    """

    def __init__(
        self,
        getters: Mapping[str, Getter],
        columns: Mapping[str, str],
        context: Context,
        *,
        shape: Shape,
        code_pattern: re.Pattern[str] | None,
        sealed: Mapping[str, Getter] | None = None,
    ) -> None:
        self.columns = dict(columns)
        self._context = context
        self._derive = from_dossier if shape == "dossiers" else from_step
        self._matches = code_pattern.fullmatch if code_pattern else None
        self._sealed = dict(sealed or {}) if context.seal else {}
        self._get = [getters.get(name, _NOTHING) for name in (*TEXTS, *ENUMS, *DATES, "sequence")]
        self._source_status = cells.text(columns["status"]) if "status" in columns else _NOTHING

    def events(self, row: Row, observed_at: int) -> list[DossierEvent]:
        """Give the events of a row read at `observed_at`; RejectedRecord when it is unusable."""
        try:
            return self._derive(self.facts(row, observed_at))
        except RejectedRecord as error:
            error.field = self.columns.get(error.field, error.field)
            raise

    def facts(self, row: Row, observed_at: int) -> Facts:
        """Give what a row states; RejectedRecord names the column and the value at fault."""
        values = [get(row) for get in self._get]
        code, agency, procedure, domain, level, channel, status = values[:7]
        occurred, submitted, received, due, finished, returned, sequence = values[7:]
        if code is None:
            raise self._missing("dossier_code")
        if self._matches is not None and self._matches(code) is None:
            raise RejectedRecord(
                RejectReason.BAD_CODE,
                field=self.columns.get("dossier_code", "dossier_code"),
                value=code,
                detail="not of the form of dossier_code_pattern",
            )
        if agency is None:
            raise self._missing("agency")
        limit = observed_at + _DAY_MS
        if (
            (occurred is not None and occurred > limit)
            or (finished is not None and finished > limit)
            or (received is not None and received > limit)
            or (submitted is not None and submitted > limit)
            or (returned is not None and returned > limit)
        ):
            raise self._future(row, values, limit)
        return Facts(
            self._context.portal,
            self._context.province,
            code,
            agency,
            procedure or "",
            domain or "",
            level or ServiceLevel.UNKNOWN,
            channel or Channel.UNKNOWN,
            self._source_status(row) or "",
            status,
            occurred,
            sequence,
            submitted,
            received,
            due,
            finished,
            returned,
            self._seal(row, code) if self._sealed else None,
            observed_at,
        )

    def _seal(self, row: Row, code: str) -> bytes | None:
        found = {name: get(row) for name, get in self._sealed.items()}
        known = {name: value for name, value in found.items() if value is not None}
        seal = self._context.seal
        return seal(known, code) if known and seal else None

    def _missing(self, name: str) -> RejectedRecord:
        return RejectedRecord(
            RejectReason.MISSING_FIELD, field=self.columns.get(name, name), detail="is empty"
        )

    def _future(self, row: Row, values: list[Any], limit: int) -> RejectedRecord:
        dates = dict(zip(DATES, values[7:], strict=False))
        name = next(n for n, at in dates.items() if n != "due_at" and at and at > limit)
        column = self.columns.get(name, name)
        return RejectedRecord(
            RejectReason.BAD_DATE,
            field=column,
            value=str(row.get(column, "")),
            detail="more than a day after it was read",
        )


def compile_mapping(
    spec: Mapping[str, Any], shape: Shape, code_pattern: str, context: Context
) -> Mapper:
    """Compile a `mapping:` block.

    Args:
        spec: the block as parsed YAML.
        shape: `dossiers` or `steps`.
        code_pattern: see `code_form`.
        context: identity, and the document for messages.

    Raises:
        ConfigurationError: naming file, line and key.
    """
    getters: dict[str, Getter] = {}
    columns: dict[str, str] = {}
    sealed: dict[str, Getter] = {}
    for name, form in spec.items():
        if name not in ATTRIBUTES:
            raise _error(context, (name,), f"unknown attribute; known: {', '.join(ATTRIBUTES)}")
        if name == "sealed":
            for inner, part in _mapping_of(form, context, (name,)).items():
                if inner not in PERSONAL:
                    known = ", ".join(PERSONAL)
                    raise _error(context, (name, inner), f"unknown; known: {known}")
                fields = _fields(part, context, (name, inner))
                columns[f"sealed.{inner}"] = _column(fields, context, (name, inner))
                sealed[inner] = cells.text(columns[f"sealed.{inner}"])
            continue
        fields = _fields(form, context, (name,))
        if "field" in fields:
            columns[name] = _column(fields, context, (name,))
        getters[name] = _getter(name, fields, context)
    for name in _NEEDED[shape]:
        if name not in getters:
            raise _error(context, (), f"shape {shape} needs the attribute {name}")
    if not getters.keys() & set(DATES) - {"due_at"}:
        raise _error(context, (), "no date is mapped")
    return Mapper(
        getters,
        columns,
        context,
        shape=shape,
        code_pattern=code_form(code_pattern, context),
        sealed=sealed,
    )


def code_form(text: str, context: Context) -> re.Pattern[str] | None:
    """Give the form of the dossier codes: "" the national one, `any` (None), or an expression."""
    if not text:
        return DOSSIER
    if text == "any":
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise context.document.error(
            ("dossier_code_pattern",), f"not a regular expression: {error}"
        ) from error


def _fields(form: Any, context: Context, where: tuple[str, ...]) -> dict[str, Any]:
    """Bring a form into its long way of writing, and check its keys."""
    if isinstance(form, str):
        return {"field": form}
    fields = _mapping_of(form, context, where)
    for key in fields.keys() - set().union(*_FORMS):
        raise _error(context, (*where, key), "unknown key")
    if set(fields) not in _FORMS:
        raise _error(
            context,
            where,
            f"keys {', '.join(map(str, fields))} do not go together; a form is a column name,"
            " {field}, {const}, {field, map, default} or {field, format, timezone}",
        )
    return fields


def _mapping_of(form: Any, context: Context, where: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(form, dict) or not form:
        raise _error(context, where, f"a column name or a form is expected, not {form!r}")
    return form


def _column(fields: dict[str, Any], context: Context, where: tuple[str, ...]) -> str:
    if not isinstance(column := fields.get("field"), str) or not column:
        raise _error(context, where, f"a column name is expected, not {column!r}")
    return column


def _getter(name: str, fields: dict[str, Any], context: Context) -> Getter:
    if name in DATES:
        return _date_getter(name, fields, context)
    if "format" in fields or "timezone" in fields:
        raise _error(context, (name,), "only dates take format and timezone")
    if "const" in fields:
        return cells.constant(_value(name, fields["const"], context, (name, "const")))
    column = fields["field"]
    unmapped = RejectReason.UNMAPPED_STATUS if name == "status" else RejectReason.UNMAPPED_VALUE
    if "map" in fields:
        words = _mapping_of(fields["map"], context, (name, "map"))
        table = {
            cells.text_of(word) or "": _value(name, value, context, (name, "map", word))
            for word, value in words.items()
        }
        default = fields.get("default", REJECT)
        fallback = None if default == REJECT else _value(name, default, context, (name, "default"))
        return cells.mapped(column, table, default=fallback, reason=unmapped)
    if name in ENUMS:
        return cells.enum(column, ENUMS[name], reason=unmapped)
    return cells.whole(column) if name == "sequence" else cells.text(column)


def _date_getter(name: str, fields: dict[str, Any], context: Context) -> Getter:
    if "const" in fields or "map" in fields:
        raise _error(context, (name,), "a date takes {field, format, timezone}")
    form, zone = fields.get("format", "iso"), fields.get("timezone")
    try:
        parse = compile_iso(zone) if form == "iso" else compile_format(form, zone)
    except (ValueError, TypeError) as error:
        raise _error(context, (name,), str(error)) from error
    return cells.date(fields["field"], parse)


def _value(name: str, value: Any, context: Context, where: tuple[Any, ...]) -> Any:
    """Check a value written in the YAML against the attribute."""
    try:
        word = cells.text_of(value)
    except ValueError as error:
        raise _error(context, where, str(error)) from error
    if name in ENUMS:
        member = cells.enum_of(ENUMS[name], value)
        if member is None:
            names = ", ".join(m.name for m in ENUMS[name] if name != "status" or m)
            raise _error(context, where, f"{value!r} is no {name}; known: {names}")
        return member
    if name == "sequence" and not isinstance(value, int):
        raise _error(context, where, f"a whole number is expected, not {value!r}")
    return value if name == "sequence" else word


def _error(context: Context, where: tuple[Any, ...], message: str) -> ConfigurationError:
    return context.document.error(("mapping", *where), message)
