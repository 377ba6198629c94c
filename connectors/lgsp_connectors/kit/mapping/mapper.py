"""From a flat record to events, by readers that were made once: fast and pure."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from lgsp.domain.codes import DOSSIER, in_space, is_dossier
from lgsp.domain.details import NOTHING, Details
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel, statement
from lgsp.runtime.personal import (
    described,
    looks_personal,
    mask_file_name,
    shown,
    shown_code,
    shown_date,
)
from lgsp_connectors.kit.contract import Context, Record, Word
from lgsp_connectors.kit.mapping import cells
from lgsp_connectors.kit.mapping.attributes import DATES, DETAILS, ENUMS, TEXTS
from lgsp_connectors.kit.mapping.cells import Getter, Row
from lgsp_connectors.kit.mapping.derive import Facts, from_dossier, from_step
from lgsp_connectors.kit.mapping.form_parts import STATED
from lgsp_connectors.kit.mapping.forms import FILE_NAME, Shape
from lgsp_connectors.kit.mapping.lookups import words_of_row
from lgsp_connectors.kit.mapping.patterns import bounded
from lgsp_connectors.kit.mapping.statements import Stated, Statement, by_last_change

_BASIC = (*TEXTS, *ENUMS, *DATES, "sequence")
_FURTHER = ("national_code", *DETAILS)
_OCCURRED_AT = _BASIC.index("occurred_at")
_DAY_MS = 86_400_000
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.ASCII | re.IGNORECASE)
_NOTHING = cells.constant(None)


@lru_cache(65_536)  # a portal has few words for its statuses
def _harmless(word: str) -> str:
    return "" if looks_personal(word) else word


class Mapper:
    """Turns rows of one portal into events.

    Args:
        getters: a reader for each attribute that the portal states.
        columns: the columns that they read, by attribute.
        context: identity of the portal and how to seal.
        shape: what a row is.
        code_pattern: form of the dossier codes; None: any text.
        space: portal in whose space codes stand that are not of the national form; "": its own.
        sealed: readers of the personal data.
        of_file: readers of the file's name, for attributes of which the row tells nothing.
        stated: when a record was stated.
        looked_up: attributes whose words are looked up in a map.
    """

    def __init__(
        self,
        getters: Mapping[str, Getter],
        columns: Mapping[str, str],
        context: Context,
        *,
        shape: Shape,
        code_pattern: re.Pattern[str] | None,
        space: str = "",
        sealed: Mapping[str, Getter] | None = None,
        of_file: Mapping[str, Getter] | None = None,
        stated: Stated = by_last_change,
        looked_up: Collection[str] = (),
    ) -> None:
        self.columns = dict(columns)
        self.whole = shape == "dossiers"  # a record states its whole dossier
        self._context = context
        self._lookups = {name: (columns[name], getters[name]) for name in looked_up}
        self._stated = stated
        self._derive = from_dossier if shape == "dossiers" else from_step
        self._matches: Callable[[str], re.Match[str] | None] | None = None
        if code_pattern is DOSSIER:
            self._matches = DOSSIER.fullmatch
        elif code_pattern is not None:
            self._matches = bounded(code_pattern.fullmatch, self._endless)
        self._space = "" if code_pattern is DOSSIER else space or context.portal
        self._sealed = dict(sealed or {}) if context.seal else {}
        mapped = getters.keys() | (of_file or {}).keys()
        names = [*_BASIC, *(name for name in _FURTHER if name in mapped)]
        self._further = names[len(_BASIC) :]
        self._get = [getters.get(name, _NOTHING) for name in names]
        self._of_file = [(names.index(name), get) for name, get in (of_file or {}).items()]
        self._source_status = cells.text(columns["status"]) if "status" in columns else _NOTHING

    def events(self, record: Record) -> list[DossierEvent]:
        """Give the events of a record whose data is a row; RejectedRecord when it is unusable."""
        try:
            return self._derive(self.facts(record))
        except RejectedRecord as error:
            error.dossier_code, error.stated = self._code_of(record), self._order_of(record)
            error.field = self.columns.get(error.field, error.field)
            error.value = self._shown(error)
            raise

    def words(self, record: Record) -> list[Word]:
        """Give the words of the record that are looked up in a map, and what each means."""
        return words_of_row(record.data, self._lookups)

    def _shown(self, error: RejectedRecord) -> str:
        """Give the value at fault as a letter may have it: of a harmless column, and harmless."""
        kinds = {name for name, column in self.columns.items() if column == error.field}
        if not error.value or error.reason is RejectReason.DEFECT:
            return error.value
        if error.field in {FILE_NAME, "stated_at"}:
            return mask_file_name(error.value)
        if not kinds or any(name.startswith("sealed.") for name in kinds):
            return described(error.value)
        if kinds & {*DATES, "stated_at"}:
            return shown_date(error.value)
        if kinds & {*TEXTS, "national_code"} and error.reason is not RejectReason.UNMAPPED_VALUE:
            return shown_code(error.value)
        return shown(error.value)

    def statement(self, record: Record) -> Statement:
        """Give when a record was stated, whatever its row says."""
        return self._stated(record._replace(data={}), None)

    def _code_of(self, record: Record) -> str:
        """Give the code of an unusable record, "" when it has none that can be read."""
        try:
            code = self._get[0](record.data) or ""
        except (RejectedRecord, AttributeError):
            return ""
        if not code or (self._matches is not None and self._matches(code) is None):
            return ""
        return in_space(code, self._space) if self._space else code

    def _order_of(self, record: Record) -> int:
        """Give the order of an unusable record's statement; 0 when it cannot be told."""
        try:
            occurred = self._get[_OCCURRED_AT](record.data)
        except (RejectedRecord, AttributeError):
            occurred = None
        try:
            at, row = self._stated(record, occurred)
        except (RejectedRecord, AttributeError):
            return 0
        if at is None or (row and STATED in self.columns):  # its cell is empty
            return 0
        # A time that cannot be is a slip, and orders nothing.
        return statement(at, row) if 0 < at <= record.observed_at else 0

    def facts(self, record: Record) -> Facts:
        """Give what a record states; RejectedRecord names the column and the value at fault."""
        row, observed_at = record.data, record.observed_at
        if not isinstance(row, Mapping):
            raise RejectedRecord(RejectReason.BAD_VALUE, detail="the record is no object")
        values = [get(row) for get in self._get]
        for i, get in self._of_file:
            if values[i] is None:
                values[i] = get({FILE_NAME: record.file})
        code, agency, procedure, domain, level, channel, status = values[:7]
        occurred, submitted, received, due, finished, returned, sequence = values[7:14]
        if code is None:
            raise self._missing("dossier_code")
        if self._matches is not None and self._matches(code) is None:
            raise RejectedRecord(
                RejectReason.BAD_CODE,
                field=self.columns.get("dossier_code", "dossier_code"),
                value=code,
                detail="not of the form of dossier_code_pattern",
            )
        if "+" in code and _SCIENTIFIC.fullmatch(code):
            raise RejectedRecord(
                RejectReason.BAD_CODE,
                field=self.columns.get("dossier_code", "dossier_code"),
                value=code,
                detail="a number as Excel shows long ones, without their last digits:"
                " let the column be text",
            )
        if self._space:
            code = in_space(code, self._space)
        if agency is None:
            raise self._missing("agency")
        stated_at, stated_row = self._stated(record, occurred)
        limit = observed_at + _DAY_MS
        if (
            (occurred is not None and occurred > limit)
            or (finished is not None and finished > limit)
            or (received is not None and received > limit)
            or (submitted is not None and submitted > limit)
            or (returned is not None and returned > limit)
        ):
            raise self._future(row, values, limit)
        if stated_at is not None and stated_at > limit:
            raise RejectedRecord(
                RejectReason.BAD_DATE,
                field="stated_at",
                value=str(row.get(self.columns.get("stated_at", ""), record.file)),
                detail="more than a day after it was read",
            )
        return Facts(
            self._context.portal,
            self._context.province,
            code,
            agency,
            procedure or "",
            domain or "",
            level or ServiceLevel.UNKNOWN,
            channel or Channel.UNKNOWN,
            _harmless(self._source_status(row) or ""),
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
            stated_at,
            stated_row,
            **(self._of_second_version(values[14:]) if self._further else {}),
        )

    def _of_second_version(self, values: list[Any]) -> dict[str, Any]:
        """Give what the row states for the fields of the event's second version."""
        items = dict(zip(self._further, values, strict=True))
        code = items.pop("national_code", None) or ""
        if code and not is_dossier(code):
            raise RejectedRecord(
                RejectReason.BAD_CODE,
                field=self.columns.get("national_code", "national_code"),
                value=code,
                detail="not of the national form",
            )
        details = Details(**{name: value for name, value in items.items() if value is not None})
        return {"national_code": code, "details": details if details != NOTHING else None}

    def _seal(self, row: Row, code: str) -> bytes | None:
        found = {name: get(row) for name, get in self._sealed.items()}
        known = {name: value for name, value in found.items() if value is not None}
        seal = self._context.seal
        return seal(known, code) if known and seal else None

    def _endless(self) -> RejectedRecord:
        return RejectedRecord(
            RejectReason.BAD_CODE,
            field=self.columns.get("dossier_code", "dossier_code"),
            detail="dossier_code_pattern comes to no end on it: let no repeat stand in a repeat",
        )

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
