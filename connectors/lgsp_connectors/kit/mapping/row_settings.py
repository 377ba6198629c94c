"""The keys of a YAML that say how a portal's rows become events, and the mapper they make."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from lgsp.domain.codes import DOSSIER
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.status import Status
from lgsp.runtime.documents.faults import keyed, nearest
from lgsp_connectors.kit.config import PORTAL_ID, Strict
from lgsp_connectors.kit.contract import Context
from lgsp_connectors.kit.mapping.attributes import words_of
from lgsp_connectors.kit.mapping.form_parts import STATED, FormError
from lgsp_connectors.kit.mapping.forms import Forms, Shape, date_column
from lgsp_connectors.kit.mapping.mapper import Mapper
from lgsp_connectors.kit.mapping.statements import (
    Stated,
    by_file_time,
    compile_statement,
    order_in_words,
    unordered,
)
from lgsp_connectors.kit.mapping.times import compile_iso
from lgsp_connectors.kit.mapping.words import Words, text_of


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


def _checked_status(value: Any) -> Status:
    words = words_of(Status)
    try:
        return Status(words[text_of(value) or ""])
    except (KeyError, ValueError):
        names = [word for word in words if not word.isdecimal()]
        raise ValueError(f"no national status: 1 to 10{nearest(value, names)}") from None


def _checked_zone(zone: str) -> str:
    compile_iso(zone)  # ValueError: there is no such zone
    return zone


def _checked_missing(value: Any) -> str:
    if value is None:
        raise ValueError('a word in quotes is expected: "null"')
    text = text_of(value)
    if text is None:
        raise ValueError("an empty cell is not known anyway")
    return text


def _checked_mapping(spec: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """Find every fault of a block while its YAML is validated."""
    words = words_of_settings(info.data.get("missing", ()), info.data.get("case", "exact"))
    folder = (info.context or {}).get("folder", Path())
    if faults := Forms(spec, info.data.get("shape"), words, folder).faults:
        raise keyed(faults)
    return spec


def _checked_stated(spec: Any, info: ValidationInfo) -> Any:
    words = words_of_settings(info.data.get("missing", ()), info.data.get("case", "exact"))
    try:
        if spec is not None:
            _stated(spec, words)
    except FormError as error:
        (_, *path), message, value = error.keyed
        raise keyed([(tuple(path), message, value)]) from error
    return spec


def _stated(spec: Any, words: Words) -> Stated:
    return compile_statement(spec, lambda form: date_column(STATED, form, words)[1])


StatusCode = Annotated[Status, BeforeValidator(_checked_status)]
"""A national status in a connector's settings, by number or by name."""

CodePattern = Annotated[str, AfterValidator(_checked_pattern)]
"""A `dossier_code_pattern:` of a connector's settings."""

TimeZone = Annotated[str, Field(min_length=1), AfterValidator(_checked_zone)]
"""A time zone of a connector's settings, by its IANA name."""

PortalId = Annotated[str, Field(pattern=PORTAL_ID)]
"""Id of a portal."""

MissingWord = Annotated[str, BeforeValidator(_checked_missing)]
"""A text that means "not known"."""

MappingBlock = Annotated[dict[str, Any], AfterValidator(_checked_mapping)]
"""A `mapping:` of a connector's settings; the fields before it say how it is meant."""

StatedBlock = Annotated[str | dict[str, Any] | None, AfterValidator(_checked_stated)]
"""A `stated_at:` of a connector's settings."""

Case = Literal["exact", "fold"]


class CodeSettings(Strict):
    """Keys of every portal's dossiers."""

    dossier_code_pattern: CodePattern = Field(
        default="", description="`any` or a regular expression; empty: the national pattern."
    )
    same_dossiers_as: list[PortalId] = Field(
        default=[],
        description="Portals that hold the same dossiers under the same local codes; all of them"
        " name the same one first.",
    )
    missing: list[MissingWord] = Field(
        default=[], description='Texts that mean "not known", in every column.'
    )


class RowSettings(CodeSettings):
    """Keys of a portal whose rows need no code."""

    shape: Shape = Field(description="What a row is: a dossier with its dates, or one step.")
    case: Case = Field(
        default="exact",
        description="`fold`: words are compared without case, Unicode form and runs of blanks.",
    )
    mapping: MappingBlock = Field(description="Attribute: column or form.")
    stated_at: StatedBlock = Field(
        default=None,
        description="What orders corrections: a column with its format, `{file_name: PATTERN}`,"
        " `file_time` (the default for dossiers; later rows of one file win), `row_order`,"
        " `last_change` (when the record says it last changed), `none`.",
    )


def space_of(settings: CodeSettings) -> str:
    """Give the portal in whose space the local codes stand; "": the portal's own."""
    return next(iter(settings.same_dossiers_as), "")


def order_of(settings: RowSettings) -> str:
    """Say what orders the corrections of a portal whose rows need no code."""
    if settings.stated_at is None:
        default = "file_time" if settings.shape == "dossiers" else "occurred_at"
        return f"{order_in_words(default)} (the default: no stated_at is given)"
    return order_in_words(settings.stated_at)


def words_of_settings(missing: Sequence[str], case: Case) -> Words:
    """Give how the texts of a portal are read and compared."""
    return Words(missing, fold=case == "fold")


def make_mapper(settings: RowSettings, context: Context) -> Mapper:
    """Make the mapper of a portal whose rows need no code.

    Args:
        settings: of its YAML.
        context: identity, and the document for messages.

    Raises:
        ConfigurationError: naming file, line and key of every fault of the mapping.
    """
    words = words_of_settings(settings.missing, settings.case)
    forms = Forms(settings.mapping, settings.shape, words, context.base)
    if forms.faults:
        raise ConfigurationError(
            context.document.fault(("mapping", *path), message, value)
            for path, message, value in forms.faults
        )
    columns, spec = dict(forms.columns), settings.stated_at
    if isinstance(spec, dict) and "field" in spec:
        columns[STATED] = str(spec["field"])
    stated = by_file_time if settings.shape == "dossiers" else unordered
    return Mapper(
        forms.getters,
        columns,
        context,
        shape=settings.shape,
        code_pattern=code_form(settings.dossier_code_pattern),
        space=space_of(settings),
        sealed=forms.sealed,
        of_file=forms.of_file,
        stated=stated if spec is None else _stated(spec, words),
        looked_up=forms.looked_up,
    )
