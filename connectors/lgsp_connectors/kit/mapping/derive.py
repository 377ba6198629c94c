"""From what a record states to the transitions behind it; pure, the same for every portal."""

from typing import NamedTuple

from lgsp.domain.details import Details
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel, event_id
from lgsp.domain.status import Status

# What a portal's row with such a status says of its dates. An event is a fact, the same under
# every rule profile, so this is no profile's to decide.
_FINISHED = frozenset({Status.STOPPED, Status.PROCESSED, Status.RESULT_RETURNED})
_NOT_RECEIVED = frozenset({Status.REGISTERED, Status.REFUSED})
_ENDING = _FINISHED | {Status.REFUSED, Status.WITHDRAWN}
_OPEN = frozenset(Status) - _ENDING - _NOT_RECEIVED - {Status.UNKNOWN}


class Facts(NamedTuple):
    """What one record states of one dossier; times in ms UTC, None and "" mean "not known".

    `occurred_at` is the time of the step, or (a dossier's row) when the row was last changed.
    `sequence` orders events of one instant; None: the status code. `stated_at` and `stated_row`
    say when the source stated the record (None: when it occurred).
    """

    portal: str
    province: str
    dossier_code: str
    agency: str
    procedure: str
    domain: str
    service_level: ServiceLevel
    channel: Channel
    source_status: str
    status: Status | None
    occurred_at: int | None
    sequence: int | None
    submitted_at: int | None
    received_at: int | None
    due_at: int | None
    finished_at: int | None
    returned_at: int | None
    sealed: bytes | None
    observed_at: int
    stated_at: int | None = None
    stated_row: int = 0
    national_code: str = ""
    details: Details | None = None


def from_dossier(facts: Facts) -> list[DossierEvent]:
    """Give the transitions behind a row that is one dossier with its dates.

    submitted_at states REGISTERED, received_at RECEIVED, finished_at PROCESSED (or the ending that
    the status names), returned_at RESULT_RETURNED. The status decides where it contradicts a date:
    REGISTERED and REFUSED deny a reception, an open status denies a finish. The current status is
    stated besides at `occurred_at` when the row carries the time of its last change. Without that
    time an open status was observed when the row was stated; any other one that no date states
    stands at the latest known date. An open status without a finishing date also reopens the
    dossier: the portal shows it open after the fact.

    A return bounds a finish that is not told: the dossier was finished by then. So `finished_at`
    is the date of the return, and PROCESSED, which nobody saw, is not stated.

    Raises:
        RejectedRecord: FINISHED_WITHOUT_DATE, or MISSING_FIELD when the row has no date at all.
    """
    status = facts.status
    bounded = status is Status.RESULT_RETURNED and facts.finished_at is None
    if bounded:
        facts = facts._replace(finished_at=facts.returned_at)
    if status in _FINISHED and facts.finished_at is None:
        raise RejectedRecord(
            RejectReason.FINISHED_WITHOUT_DATE,
            field="status",
            value=facts.source_status,
            detail=f"{status.name} without finished_at",
        )
    stated: dict[Status, int] = {}
    if facts.submitted_at is not None:
        stated[Status.REGISTERED] = facts.submitted_at
    if facts.received_at is not None and status not in _NOT_RECEIVED:
        stated[Status.RECEIVED] = facts.received_at
    if facts.finished_at is not None and not bounded:
        if status in {None, Status.RESULT_RETURNED}:
            stated[Status.PROCESSED] = facts.finished_at
        elif status in _ENDING:
            stated[status] = facts.finished_at
    if facts.returned_at is not None and status in {
        None,
        Status.PROCESSED,
        Status.RESULT_RETURNED,
    }:
        stated[Status.RESULT_RETURNED] = facts.returned_at
    changed_at = facts.occurred_at
    if changed_at is None and facts.stated_at is not None and status in _OPEN:
        changed_at = max(facts.stated_at, _latest(facts))
    if status is not None and status not in stated and changed_at is None:
        stated[status] = _latest(facts)
    events = [_event(facts, at, what) for what, at in stated.items()]
    if changed_at is not None and status is not None:
        reopens = status in _OPEN and facts.finished_at is None
        now = _event(facts, changed_at, status, reopens=reopens)
        events = [e for e in events if (e.status, e.occurred_at) != (status, now.occurred_at)]
        events.append(now)
    if not events:
        _latest(facts)
    return events


def from_step(facts: Facts) -> list[DossierEvent]:
    """Give the transition of a row that is one status change, with the dossier's dates.

    Logs that repeat the dossier's end on every row state the finish too, once: a row of another
    status that carries finished_at adds PROCESSED at that time, the same event from every row.

    Raises:
        RejectedRecord: MISSING_FIELD without a status or a time.
    """
    if facts.status is None or facts.occurred_at is None:
        name = "status" if facts.status is None else "occurred_at"
        raise RejectedRecord(RejectReason.MISSING_FIELD, field=name, detail="a step needs it")
    step = _event(facts, facts.occurred_at, facts.status, sequence=facts.sequence)
    if facts.finished_at is None or facts.status in _ENDING:
        return [step]
    return [step, _event(facts, facts.finished_at, Status.PROCESSED)]


def _latest(facts: Facts) -> int:
    dates = (facts.submitted_at, facts.received_at, facts.finished_at, facts.returned_at)
    known = [at for at in dates if at is not None]
    if not known:
        known = [at for at in (facts.occurred_at,) if at is not None]
    if not known:
        raise RejectedRecord(
            RejectReason.MISSING_FIELD,
            field="received_at",
            detail="the dossier has no date at all",
        )
    return max(known)


def _event(
    facts: Facts,
    occurred_at: int,
    status: Status,
    *,
    sequence: int | None = None,
    reopens: bool = False,
) -> DossierEvent:
    """Build the event; the portal's word stands only on the status that it names."""
    event = DossierEvent(
        portal=facts.portal,
        province=facts.province,
        dossier_code=facts.dossier_code,
        agency=facts.agency,
        procedure=facts.procedure,
        domain=facts.domain,
        service_level=facts.service_level,
        channel=facts.channel,
        source_status=facts.source_status if status is facts.status else "",
        status=status,
        reopens=reopens,
        occurred_at=occurred_at,
        observed_at=facts.observed_at,
        sequence=int(status) if sequence is None else sequence,
        submitted_at=facts.submitted_at,
        received_at=facts.received_at,
        due_at=facts.due_at,
        finished_at=facts.finished_at,
        returned_at=facts.returned_at,
        sealed=facts.sealed,
        stated_at=facts.stated_at,
        stated_row=facts.stated_row,
        national_code=facts.national_code,
        details=facts.details,
    )
    # Ours until it is returned: `replace` would build each event twice.
    object.__setattr__(event, "event_id", event_id(event))
    return event
