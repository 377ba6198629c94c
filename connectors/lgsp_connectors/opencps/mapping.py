"""How a dossier of the list becomes events."""

from lgsp.domain.errors import RejectReason
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import Status
from lgsp_connectors.kit.contract import Context
from lgsp_connectors.kit.mapping import cells
from lgsp_connectors.kit.mapping.dates import Dates
from lgsp_connectors.kit.mapping.mapper import Mapper
from lgsp_connectors.kit.mapping.row_settings import (
    code_form,
    words_of_settings,
)
from lgsp_connectors.opencps.settings import OpenCpsSettings

# 24 hours: OpenCPS's own statistics read 12, which turns 12:30 into 00:30.
DATE_FORM = "%d/%m/%Y %H:%M:%S"
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


def make_mapper(settings: OpenCpsSettings, context: Context) -> Mapper:
    """Give the mapper of a portal's dossiers: readers of its columns, and whom it seals."""
    words = words_of_settings(settings.missing, "exact")
    dates = Dates([DATE_FORM], settings.source.timezone, words=words)
    getters = {
        name: cells.date(column, dates)
        if name.endswith("_at")
        else cells.public_text(column, words, any_number=name == "dossier_code")
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
