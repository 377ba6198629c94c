"""The `opencps` connector: dossiers of an OpenCPS v2 portal, by its REST list, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.contract import Context, Cursor, Page, Record, Word
from lgsp_connectors.kit.http import Auth, Client, HeaderValue, WebAddress
from lgsp_connectors.kit.mapping import cells
from lgsp_connectors.kit.mapping.dates import Dates
from lgsp_connectors.kit.mapping.mapper import Mapper
from lgsp_connectors.kit.mapping.row_settings import (
    CodeSettings,
    StatusCode,
    TimeZone,
    code_form,
    words_of_settings,
)
from lgsp_connectors.kit.mapping.times import compile_format
from lgsp_connectors.kit.walk.newest import Newest
from lgsp_connectors.kit.walk.window import Ask, DoubtfulError, Listed, Window

_PATH = "/o/rest/v2/dossiers"
# 24 hours: OpenCPS's own statistics read 12, which turns 12:30 into 00:30.
_FORM = "%d/%m/%Y %H:%M:%S"
STATUSES = {
    "receiving": 1,
    "new": 2,
    "denied": 3,
    "processing": 4,
    "interoperating": 4,  # inferred: no national code, the dossier is with another agency
    "waiting": 5,
    "paying": 6,
    "cancelled": 7,
    "unresolved": 8,
    "releasing": 9,
    "posting": 9,  # inferred: processed, the result is on its way
    "done": 10,
}
_LEVELS = {"4": ServiceLevel.FULL, "3": ServiceLevel.PARTIAL, "2": ServiceLevel.INFORMATION}
_YES_NO = {"true": True, "1": True, "false": False, "0": False}
_COLUMNS = {
    "dossier_code": "dossierNo",
    "agency": "govAgencyCode",
    "procedure": "serviceCode",
    "domain": "domainCode",
    "status": "dossierStatus",
    "occurred_at": "modifiedDate",
    "submitted_at": "submitDate",
    "received_at": "receiveDate",
    "due_at": "dueDate",
    "finished_at": "releaseDate",
    "returned_at": "finishDate",
}
_SEALED = {
    "owner_name": "applicantName",
    "owner_kind": "applicantIdType",
    "owner_id": "applicantIdNo",
    "phone": "contactTelNo",
    "email": "contactEmail",
}


_STARTER = """\
# An OpenCPS v2 portal. Every key: docs/connectors/opencps.md
connector: opencps
portal: {name}
province: H37
source:
  url: http://127.0.0.1:8091
  group_id: "55301"
  auth:
    user: lgsp
    password: ${OPENCPS_PASSWORD}   # or password_file, token, token_file
# sub_statuses: {cho_phi: 6}     # looked up before dossierStatus
run:
  poll_seconds: 60
"""


class Source(Strict):
    """Where the portal is and how its list is read."""

    url: WebAddress = Field(description="Address of the portal, without a path.")
    path: str = Field(
        default=_PATH, pattern=r"^/", description="Path of the list (not confirmed)."
    )
    group_id: HeaderValue = Field(description="Value of the header groupId.")
    auth: Auth = Field(default=Auth(), description="How to log in.")
    sort: str = Field(default="modified", description="Sort key of the list (not confirmed).")
    page_rows: int = Field(default=200, gt=1, description="Dossiers a request.")
    timezone: TimeZone = Field(
        default="Asia/Ho_Chi_Minh", description="Zone of the portal's clock: of its dates."
    )
    overlap_minutes: int = Field(default=10, ge=0, description="How far a poll reads back again.")
    full_pass_hours: float = Field(
        default=24, ge=0, description="Hours between passes through the whole list; 0: none."
    )
    complete: bool = Field(
        default=True,
        description="The list holds every dossier: one that a full pass does not find is removed.",
    )
    timeout_seconds: float = Field(default=60, gt=0, description="Longest wait for one answer.")
    requests_per_second: float = Field(
        default=5, ge=0, description="Most requests a second; 0: no limit."
    )


class OpenCpsSettings(CodeSettings):
    """Keys of an `opencps` YAML besides those common to all connectors."""

    source: Source = Field(description="Where the portal is.")
    statuses: dict[str, StatusCode] = Field(
        default={},
        description="Word of dossierStatus: national status; added to the built-in words.",
    )
    sub_statuses: dict[str, StatusCode] = Field(
        default={}, description="Word of dossierSubStatus: national status; looked up first."
    )


class OpenCps:
    """Polls the list, which has no "changed since", as `kit.walk.newest` walks it."""

    name: ClassVar[str] = "opencps"
    settings: ClassVar[type[BaseModel]] = OpenCpsSettings
    starter: ClassVar[str] = _STARTER
    order: ClassVar[str] = "modifiedDate: the dossier as it changed last wins"

    def __init__(self, settings: OpenCpsSettings, context: Context) -> None:
        source = self._source = settings.source
        self._context = context
        self._date = compile_format(_FORM, source.timezone)
        self._client = Client(
            source.url,
            headers={"groupId": source.group_id},
            auth=source.auth,
            timeout=source.timeout_seconds,
            rate=source.requests_per_second,
        )
        self._walk = Newest(
            rows=source.page_rows,
            overlap=source.overlap_minutes * 60_000,
            full_every=int(source.full_pass_hours * 3_600_000),
            clock=context.clock,
        )
        self._mapper = _mapper(settings, context)

    def start(self, since: int | None) -> Cursor:
        """Start at the top of the list; `since` ends the first pass there, else it reads all."""
        return self._walk.start(since)

    async def fetch(self, cursor: Cursor) -> Page:
        """Read one page of the pass that the cursor stands in."""
        page = await self._walk.fetch(cursor, self._read)
        return page if self._source.complete else replace(page, listing=None)

    async def _read(self, ask: Ask) -> Window:
        source = self._source
        reply = await self._client.get_json(
            source.path,
            {
                "start": str(ask.start),
                "end": str(ask.start + ask.rows),
                "sort": source.sort,
                "order": "desc",
            },
        )
        rows, total = _rows_of(reply)
        place = f"{source.url}{source.path}?start={ask.start}"
        return Window(ask.start, [self._listed(row, place) for row in rows], total)

    def _listed(self, row: Any, place: str) -> Listed:
        id_ = _id_of(row)
        origin, now = f"{place}#{id_}", self._context.clock()
        if isinstance(row, dict):
            return Listed(id_, self._changed_at(row), Record(origin, row, now))
        fault = RejectedRecord(RejectReason.UNREADABLE, detail="a row that is no object")
        return Listed(id_, None, Record(origin, row, now, fault))

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Derive the transitions of one snapshot of a dossier.

        One without a number is not accepted yet: it states nothing until it has its code.
        """
        row = record.data
        if not row.get("dossierNo") and row.get("dossierStatus") in ("new", "receiving"):
            return ()
        return self._mapper.events(record)

    def words(self, record: Record) -> Sequence[Word]:
        """Give the words of a dossier that are looked up."""
        return () if record.fault else self._mapper.words(record)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _changed_at(self, row: Mapping[str, Any]) -> int | None:
        try:
            return self._date(row["modifiedDate"])
        except (KeyError, ValueError, TypeError):
            return None  # the mapping rejects the record and says why


def _rows_of(reply: Any) -> tuple[list[Any], int | None]:
    """Give the rows of a reply and how many there are in all (None: not said).

    One row that is no object is a row; where all are so, it is no list of dossiers.
    """
    rows = reply.get("data") if isinstance(reply, dict) else None
    total = _total_of(reply)
    if rows is None and total == 0:
        return [], 0  # so OpenCPS says that the portal is empty
    if not isinstance(rows, list) or (rows and not any(isinstance(row, dict) for row in rows)):
        raise DoubtfulError('the reply is not of the form {"total": N, "data": [...]}')
    return rows, total if total or not rows else None


def _total_of(reply: Any) -> int | None:
    """Give the total that a reply tells, also as a text or with a fraction of nought."""
    total = reply.get("total") if isinstance(reply, dict) else None
    if isinstance(total, bool) or not isinstance(total, int | float | str):
        return None
    try:
        found = int(total)
        return found if found >= 0 and found == float(total) else None
    except (ValueError, OverflowError):
        return None


def _id_of(row: Any) -> str:
    """Give what tells a dossier from the others of the list, whatever changes of it."""
    ids = (row.get("dossierId"), row.get("dossierNo")) if isinstance(row, dict) else ()
    id_ = next((str(id_) for id_ in ids if id_ not in (None, "", 0, "0")), "")
    return id_ or blake2b(repr(row).encode(), digest_size=8).hexdigest()


def _mapper(settings: OpenCpsSettings, context: Context) -> Mapper:
    words = words_of_settings(settings.missing, "exact")
    dates = Dates([_FORM], settings.source.timezone, words=words)
    getters = {
        name: cells.date(column, dates)
        if name.endswith("_at")
        else cells.public_text(column, words)
        for name, column in _COLUMNS.items()
    }
    released, finished = getters["finished_at"], getters["returned_at"]
    statuses = {word: Status(code) for word, code in STATUSES.items()} | settings.statuses
    main = cells.mapped(
        "dossierStatus",
        statuses,
        default=None,
        reason=RejectReason.UNMAPPED_STATUS,
        words=words,
    )
    sub_word = cells.text("dossierSubStatus", words)
    postal, level = cells.text("viaPostal", words), cells.text("serviceLevel", words)
    online = cells.mapped(
        "online", _YES_NO, default=None, reason=RejectReason.UNMAPPED_VALUE, words=words
    )

    def status(row: cells.Row) -> Status | None:
        found: Status | None = settings.sub_statuses.get(sub_word(row) or "") or main(row)
        return found

    def channel(row: cells.Row) -> Channel:
        """Without a word of the portal it is not known, and never direct."""
        if filed_online := online(row):
            return Channel.ONLINE
        if postal(row) == "2":
            return Channel.POSTAL
        return Channel.UNKNOWN if filed_online is None else Channel.DIRECT

    def finished_at(row: cells.Row) -> int | None:
        """OpenCPS stamps finishDate, not always releaseDate, on what ends without a result."""
        at: int | None = released(row)
        without_result = {Status.REFUSED, Status.WITHDRAWN, Status.STOPPED}
        if at is None and status(row) in without_result:
            at = finished(row)
        return at

    def returned_at(row: cells.Row) -> int | None:
        at: int | None = finished(row) if status(row) is Status.RESULT_RETURNED else None
        return at

    getters |= {
        "status": status,
        "channel": channel,
        "service_level": lambda row: _LEVELS.get(level(row) or ""),
        "finished_at": finished_at,
        "returned_at": returned_at,
    }
    return Mapper(
        getters,
        _COLUMNS,
        context,
        shape="dossiers",
        code_pattern=code_form(settings.dossier_code_pattern),
        sealed={name: cells.text(column, words) for name, column in _SEALED.items()},
        looked_up=["status"],
    )
