"""A dossier as an OpenCPS portal shows it: one flat record, its state after one of its steps.

OpenCPS stops its clock while a dossier waits and moves the due date when it goes on, so the record
carries the deadline though not the waiting itself. It gives a dossier its number on acceptance.
"""

from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import Status
from lgsp.domain.working_time import date_of, day_and_time
from lgsp.simulation.course import WAITING
from lgsp.simulation.dossiers import TwinDossier
from lgsp.simulation.persons import person_of
from lgsp.simulation.rows import Row, clock_text

STATUS_WORDS = {
    Status.REGISTERED: "receiving",
    Status.RECEIVED: "new",
    Status.REFUSED: "denied",
    Status.PROCESSING: "processing",
    Status.SUPPLEMENT_REQUIRED: "waiting",
    Status.PAYMENT_REQUIRED: "paying",
    Status.WITHDRAWN: "cancelled",
    Status.STOPPED: "unresolved",
    Status.PROCESSED: "releasing",
    Status.RESULT_RETURNED: "done",
}
STATUS_TEXTS = {
    Status.REGISTERED: "Chờ tiếp nhận",
    Status.RECEIVED: "Mới tiếp nhận",
    Status.REFUSED: "Từ chối tiếp nhận",
    Status.PROCESSING: "Đang xử lý",
    Status.SUPPLEMENT_REQUIRED: "Chờ bổ sung",
    Status.PAYMENT_REQUIRED: "Chờ nộp phí",
    Status.WITHDRAWN: "Đã rút hồ sơ",
    Status.STOPPED: "Không thể giải quyết",
    Status.PROCESSED: "Chờ trả kết quả",
    Status.RESULT_RETURNED: "Đã trả kết quả",
}
LEVELS = {ServiceLevel.FULL: 4, ServiceLevel.PARTIAL: 3}
DATE_COLUMNS = {
    "occurred_at": "modifiedDate",
    "submitted_at": "submitDate",
    "received_at": "receiveDate",
    "due_at": "dueDate",
    "finished_at": "releaseDate",
    "returned_at": "finishDate",
}
PERSON_COLUMNS = {
    "owner_name": "applicantName",
    "owner_id": "applicantIdNo",
    "owner_kind": "applicantIdType",
    "phone": "contactTelNo",
}
CHANNEL_COLUMN = "kenhThucHien"
_KINDS = {"1": "citizen", "2": "business"}
_GROUP = 55_301
_ENDED = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.RESULT_RETURNED})


def opencps_text(at: int | None) -> str | None:
    """Write an instant (ms UTC) as `02/01/2024 08:15:00`, Asia/Ho_Chi_Minh; None as None."""
    if at is None:
        return None
    day, of_day = day_and_time(at)
    return f"{date_of(day):%d/%m/%Y} {clock_text(of_day // 1000)}"


def flat_record(dossier: TwinDossier, index: int, *, persons: bool) -> Row:
    """Give the record after the step of that index, with the fields of DossierDataModel."""
    step = dossier.course.changes[index]
    status, procedure = step.status, dossier.procedure
    pending = status is Status.REGISTERED
    received = None if pending else dossier.received_at
    released = step.at if status is Status.WITHDRAWN else step.finished_at
    changed = opencps_text(step.at)
    record = {
        "dossierId": dossier.number,
        "groupId": _GROUP,
        "dossierNo": "" if pending else dossier.code,
        "serviceCode": procedure.code,
        "serviceName": f"Thủ tục {procedure.code}",
        "govAgencyCode": dossier.agency,
        "govAgencyName": f"Cơ quan {dossier.agency}",
        "domainCode": procedure.domain,
        "domainName": f"Lĩnh vực {procedure.domain}",
        "createDate": opencps_text(dossier.submitted_at),
        "modifiedDate": changed,
        "submitDate": opencps_text(dossier.submitted_at),
        "receiveDate": opencps_text(received),
        "dueDate": opencps_text(step.clock_due_at),
        "releaseDate": opencps_text(released),
        "finishDate": changed if status in _ENDED else None,
        "cancellingDate": changed if status is Status.WITHDRAWN else None,
        "dossierStatus": STATUS_WORDS[status],
        "dossierStatusText": STATUS_TEXTS[status],
        "dossierSubStatus": "",
        "online": dossier.channel is Channel.ONLINE,
        "viaPostal": 2 if dossier.channel is Channel.POSTAL else 0,
        "originality": 1 if dossier.channel is Channel.ONLINE else 3,
        "lockState": "PAUSE" if status in WAITING else "",
        "durationCount": procedure.days,
        "durationUnit": 0,
        "serviceLevel": LEVELS[procedure.level],
    }
    if persons:
        person = person_of(dossier.number)
        record["applicantName"] = record["contactName"] = person.name
        record["applicantIdNo"] = person.id_number
        record["applicantIdType"] = _KINDS[person.kind]
        record["contactTelNo"] = person.phone
    return record
