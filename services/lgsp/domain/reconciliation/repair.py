"""What can be mended from here, in which order it goes out, and who has to act where it cannot."""

from dataclasses import dataclass, field
from enum import StrEnum

from lgsp.domain.reconciliation.held import Here, There
from lgsp.domain.reconciliation.mismatch import NO_DIFFERENCE, Cause, Mismatch, MismatchKind
from lgsp.domain.reconciliation.sides import SeenStep, steps_apart


class Act(StrEnum):
    """What goes to the portal, or is asked of it."""

    LOOK_UP = "look_up"  # ask what it holds, and mend what it lacks
    CREATE = "create"
    STEP = "step"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Sending:
    """One thing that is sent, and why; `dates` of an update that changes them."""

    act: Act
    why: str
    step: SeenStep | None = None
    dates: tuple[str, ...] = field(default=())


_BY_PUSH = frozenset(
    {
        MismatchKind.MISSING_THERE,
        MismatchKind.STALE_THERE,
        MismatchKind.DATES_DIFFER,
        MismatchKind.MISSING_STEP,
        MismatchKind.PARKED,
        MismatchKind.PHANTOM_LATE,
        MismatchKind.PHANTOM_ON_TIME,
        MismatchKind.LATE_RECEPTION,
    }
)
_NEVER_TOUCHED = frozenset(
    {
        MismatchKind.AHEAD_THERE,
        MismatchKind.EXTRA_THERE,
        MismatchKind.MISSING_HERE,
        MismatchKind.UNMAPPED,
        MismatchKind.AGREED,
    }
)
_OF_DATA = frozenset({MismatchKind.STALE_THERE, MismatchKind.DATES_DIFFER})


def is_repairable(here: Here | None, found: tuple[Mismatch, ...]) -> bool:
    """Tell whether a push from here can mend it: never over what others have changed since."""
    kinds = {each.kind for each in found}
    if here is None or kinds & _NEVER_TOUCHED:
        return False
    if any(each.cause is Cause.HELD for each in found):
        return False
    return bool(kinds & _BY_PUSH)


def sendings(here: Here, there: There, found: tuple[Mismatch, ...]) -> tuple[Sending, ...]:
    """List what is sent, in the order in which the portal takes it.

    Missing steps of ours go before later ones and before the record. Where only a list was read,
    or nothing of the data differs, the portal is asked first.
    """
    kinds = {each.kind: each for each in found}
    ours = here.side.steps or ()
    if missing := kinds.get(MismatchKind.MISSING_THERE):
        steps = [Sending(Act.STEP, missing.said, step) for step in ours]
        return (Sending(Act.CREATE, missing.said), *steps)
    if there.claim is not None:
        worst = next(each for each in found if each.kind in _BY_PUSH)
        return (Sending(Act.LOOK_UP, worst.said),)
    lacking = steps_apart(here.side, there.side).only_first
    newest = max((step.at for step in there.side.steps or ()), default=0)
    why = next((each.said for each in found if each.kind in _BY_PUSH), "")
    early = [Sending(Act.STEP, why, step) for step in lacking if step.at < newest]
    late = [Sending(Act.STEP, why, step) for step in lacking if step.at >= newest]
    record: list[Sending] = []
    if early or kinds.keys() & _OF_DATA:
        dates = (
            kinds[MismatchKind.DATES_DIFFER].dates if MismatchKind.DATES_DIFFER in kinds else ()
        )
        record = [Sending(Act.UPDATE, why, dates=dates)]
    return (*early, *record, *late) or (Sending(Act.LOOK_UP, why),)


class Actor(StrEnum):
    """Who has to act where a push cannot mend it, beside a unit of the province."""

    SYNC = "sync operator"
    NATIONAL = "national portal"
    OTHERS = "another authority"


_ADVICE = {
    MismatchKind.MISSING_HERE: "never arrived: find out which system had to fetch it",
    MismatchKind.AHEAD_THERE: "changed there: state the newer status in the unit's own system",
    MismatchKind.UNMAPPED: "map the code, then `lgsp sync redrive CODE`",
    MismatchKind.PARKED: "mend what the portal refuses, then `lgsp sync redrive CODE`",
    MismatchKind.DUPLICATE_STEP: "a step cannot be taken back from here: ask the national portal",
    MismatchKind.PHANTOM_LATE: "answer with both clocks: the data is equal, the judgement is not",
    MismatchKind.PHANTOM_ON_TIME: "late here and not there: find out which clock is right",
    MismatchKind.LATE_RECEPTION: "answer with both times of reception",
    MismatchKind.MISSING_STEP: "look there, then `lgsp sync resend` or `arrived CODE`",
    MismatchKind.DATES_DIFFER: "find out who has changed the date there",
}
_NOT_HERE = {
    Cause.NOT_OURS: "not of a system of this province: answer so",
    Cause.NOT_KNOWN_HERE: "no system of this province has stated it: find out which one filed it",
    Cause.REMOVED_HERE: "its source no longer holds it: have it taken back there",
}


def owner_of(here: Here | None, worst: Mismatch) -> str:
    """Name who has to act: a unit, or one of Actor."""
    if worst.cause is Cause.NOT_OURS:
        return Actor.OTHERS
    if worst.kind in {MismatchKind.DUPLICATE_STEP, MismatchKind.EXTRA_THERE}:
        return Actor.NATIONAL
    if worst.kind in {MismatchKind.UNMAPPED, MismatchKind.PARKED, MismatchKind.MISSING_STEP}:
        return Actor.SYNC
    return here.unit if here is not None and here.unit else Actor.SYNC


def advice_for(worst: Mismatch) -> str:
    """Say what to do where a push cannot mend it."""
    known = _NOT_HERE.get(worst.cause) if worst.kind is MismatchKind.EXTRA_THERE else None
    return known or _ADVICE.get(worst.kind, "look up both sides: `lgsp sync redrive CODE`")


def worst_of(found: tuple[Mismatch, ...]) -> Mismatch:
    """Return the difference that a work list names: what no push can mend comes first."""
    blocking = (
        each for each in found if each.kind in _NEVER_TOUCHED | {MismatchKind.DUPLICATE_STEP}
    )
    other = (each for each in found if each.kind not in NO_DIFFERENCE)
    return next(blocking, None) or next(other, found[0])
