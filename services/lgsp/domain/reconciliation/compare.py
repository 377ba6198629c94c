"""Compares what we hold of a dossier with what was told of it from there. Pure and total.

Every pair gets one class or more; `equal` is the one that stands alone.
"""

from collections.abc import Iterator

from lgsp.domain.reconciliation.causes import (
    Why,
    pushed_after,
    why_behind,
    why_dates_differ,
    why_step_missing,
    why_stopped,
)
from lgsp.domain.reconciliation.held import Claim, Here, SyncState, There
from lgsp.domain.reconciliation.mismatch import Cause, Mismatch, MismatchKind
from lgsp.domain.reconciliation.sides import (
    SeenStep,
    SideOrder,
    course_of,
    dates_that_differ,
    is_among,
    repeated_steps,
    steps_apart,
)
from lgsp.domain.status import Status, StatusSemantics

_ORDER = {kind: place for place, kind in enumerate(MismatchKind)}


def compare(here: Here | None, there: There, statuses: StatusSemantics) -> tuple[Mismatch, ...]:
    """Give what differs of a dossier, in the order of MismatchKind; `equal` where nothing does.

    Args:
        here: what we hold, None: nothing.
        there: what was told.
        statuses: what may follow what.
    """
    if here is None:
        found = list(_only_there(there))
    elif here.removed:
        found = _when_removed(here, there)
    elif there.found is False:
        found = [*_when_missing(here, there), *_claimed(here, there, [], statuses)]
    else:
        found = list(_both(here, there, statuses))
        found += _claimed(here, there, found, statuses)
    found.sort(key=lambda each: _ORDER[each.kind])
    return tuple(found) or (Mismatch(kind=MismatchKind.EQUAL),)


def _only_there(there: There) -> Iterator[Mismatch]:
    if there.found is False:
        return
    if not there.ours:
        yield Mismatch(kind=MismatchKind.EXTRA_THERE, cause=Cause.NOT_OURS)
    elif there.filed_there is False:
        yield Mismatch(kind=MismatchKind.EXTRA_THERE, cause=Cause.NOT_KNOWN_HERE)
    else:
        yield Mismatch(kind=MismatchKind.MISSING_HERE, cause=Cause.NEVER_ARRIVED)


def _when_removed(here: Here, there: There) -> list[Mismatch]:
    """Judge a dossier that its source no longer holds: only a lasting copy there differs."""
    if there.found is False:
        return []
    return [Mismatch(kind=MismatchKind.EXTRA_THERE, cause=Cause.REMOVED_HERE, detail=here.reason)]


def _when_missing(here: Here, there: There) -> Iterator[Mismatch]:
    if here.unmapped:
        yield _difference(MismatchKind.UNMAPPED, why_behind(here, there))
        return
    yield _difference(MismatchKind.MISSING_THERE, why_behind(here, there))
    yield from _stopped(here)


def _stopped(here: Here) -> Iterator[Mismatch]:
    if here.unmapped:
        yield Mismatch(kind=MismatchKind.UNMAPPED, cause=Cause.NOT_MAPPED, detail=here.reason)
    elif here.sync in {SyncState.HELD, SyncState.PARKED} and (reason := why_stopped(here)):
        yield _difference(MismatchKind.PARKED, reason)


def _both(here: Here, there: There, statuses: StatusSemantics) -> Iterator[Mismatch]:
    yield from _stopped(here)
    ours, theirs = here.side, there.side
    course = course_of(ours, theirs, statuses)
    apart = steps_apart(ours, theirs)
    others = tuple(step for step in apart.only_second if not is_among(step, here.own_steps))
    if course in {SideOrder.AHEAD, SideOrder.APART}:
        yield Mismatch(kind=MismatchKind.AHEAD_THERE, cause=Cause.CHANGED_THERE, steps=others)
    elif course is SideOrder.BEHIND:
        if not here.unmapped:
            yield _difference(MismatchKind.STALE_THERE, why_behind(here, there))
    elif later := tuple(step for step in others if _is_newest(step, ours.steps)):
        yield Mismatch(kind=MismatchKind.AHEAD_THERE, cause=Cause.CHANGED_THERE, steps=later)
    if here.unmapped:
        return
    if names := dates_that_differ(ours, theirs, course):
        reason = why_dates_differ(here, there, names)
        yield _difference(MismatchKind.DATES_DIFFER, reason, dates=tuple(names))
    missing = apart.only_first
    if course is SideOrder.BEHIND:  # what came after the state that it shows is stale, not missing
        reached = max((step.at for step in theirs.steps or ()), default=0)
        missing = tuple(step for step in missing if step.at < reached)
    if missing:
        yield _difference(
            MismatchKind.MISSING_STEP, why_step_missing(here, there, missing), steps=missing
        )
    elif here.sync is SyncState.IN_DOUBT and theirs.steps is None and here.doubted:
        doubted = tuple(sorted(here.doubted))
        reason = Why(Cause.ANSWER_LOST, here.reason)
        yield _difference(MismatchKind.MISSING_STEP, reason, steps=doubted)
    if repeated := repeated_steps(theirs):
        yield Mismatch(kind=MismatchKind.DUPLICATE_STEP, cause=Cause.SENT_TWICE, steps=repeated)


def _is_newest(step: SeenStep, ours: tuple[SeenStep, ...] | None) -> bool:
    return step.at > max((each.at for each in ours or ()), default=0)


def _claimed(
    here: Here, there: There, found: list[Mismatch], statuses: StatusSemantics
) -> Iterator[Mismatch]:
    """Judge lateness: what a list says of the line, or what follows from a look-up."""
    if there.claim is Claim.RECEIVED_LATE:
        yield _received_late(here, there, found, claimed=True)
        return
    if there.side.received_late and here.side.received_late is False:
        yield _received_late(here, there, found, claimed=False)
    theirs = there.side.late
    if there.claim is not None:
        theirs = there.claim is Claim.LATE
    if theirs is None:
        return
    ours = here.side.late
    if ours is theirs:
        if there.claim is not None:
            yield Mismatch(kind=MismatchKind.AGREED)
    elif ours is None:
        if there.claim is not None and not any(d.kind is MismatchKind.DATES_DIFFER for d in found):
            detail = "no deadline is known here"
            yield Mismatch(kind=MismatchKind.DATES_DIFFER, cause=Cause.OTHER_CLOCK, detail=detail)
    else:
        kind = MismatchKind.PHANTOM_LATE if theirs else MismatchKind.PHANTOM_ON_TIME
        yield _difference(kind, _why_late(here, there, found, statuses))


def _received_late(here: Here, there: There, found: list[Mismatch], *, claimed: bool) -> Mismatch:
    ours = here.side.received_late
    if claimed and ours:
        return Mismatch(kind=MismatchKind.AGREED)
    if claimed and ours is None:
        detail = "when it was filed or received is not known here"
        return Mismatch(kind=MismatchKind.LATE_RECEPTION, cause=Cause.NOT_KNOWN, detail=detail)
    received = here.side.dates.get("received_at")
    since = None if received is None else received.at
    return _difference(
        MismatchKind.LATE_RECEPTION,
        _why_late_since(
            here,
            there,
            found,
            pushed_after(here, since, here.reception_deadline, _tells_reception),
        ),
    )


def _tells_reception(status: Status) -> bool:
    return status is not Status.REGISTERED


def _why_late(here: Here, there: There, found: list[Mismatch], statuses: StatusSemantics) -> Why:
    finished = here.side.dates.get("finished_at")
    since = here.changed_at if finished is None else finished.at
    closes = statuses.closes
    tells = (lambda status: closes[status]) if finished else (lambda _: True)
    minutes = pushed_after(here, since, here.deadline, tells)
    return _why_late_since(here, there, found, minutes)


def _why_late_since(here: Here, there: There, found: list[Mismatch], minutes: int | None) -> Why:
    """Say why the portal's judgement of time is another: the push, its data, or its clock.

    `minutes` from the event to the first push that told it, where that was too late.
    """
    if stopped := why_stopped(here):
        return stopped
    if minutes is not None:
        return Why(Cause.PUSHED_LATE, minutes=minutes)
    telling = {
        MismatchKind.STALE_THERE,
        MismatchKind.DATES_DIFFER,
        MismatchKind.MISSING_STEP,
        MismatchKind.AHEAD_THERE,
    }
    if of_data := next((each for each in found if each.kind in telling), None):
        return Why(of_data.cause, of_data.detail)
    behind = why_behind(here, there)
    if behind.cause in {Cause.NEVER_PUSHED, Cause.WAITING, Cause.ANSWER_LOST}:
        return behind
    return Why(Cause.OTHER_CLOCK)


def _difference(
    kind: MismatchKind,
    reason: Why,
    *,
    dates: tuple[str, ...] = (),
    steps: tuple[SeenStep, ...] = (),
) -> Mismatch:
    return Mismatch(
        kind=kind,
        cause=reason.cause,
        detail=reason.detail,
        minutes=reason.minutes,
        dates=dates,
        steps=steps,
    )
