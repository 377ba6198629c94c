"""Differences between both sides: a closed set of classes, each with its cause and evidence."""

from dataclasses import dataclass, field
from enum import StrEnum

from lgsp.domain.reconciliation.sides import SeenStep


class MismatchKind(StrEnum):
    """The class of a difference. Published: never given another sense."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"  # filed there, and never arrived
    STALE_THERE = "stale_there"
    AHEAD_THERE = "ahead_there"  # changed there by others: never overwritten by anything older
    DATES_DIFFER = "dates_differ"
    EXTRA_THERE = "extra_there"
    UNMAPPED = "unmapped"
    PARKED = "parked"  # or held
    PHANTOM_LATE = "phantom_late"  # late there, on time here
    PHANTOM_ON_TIME = "phantom_on_time"  # the other way round
    LATE_RECEPTION = "late_reception"  # received late there, in time here
    MISSING_STEP = "missing_step"
    DUPLICATE_STEP = "duplicate_step"
    AGREED = "agreed"  # a list's line that is right
    EQUAL = "equal"  # nothing differs


NO_DIFFERENCE = frozenset({MismatchKind.AGREED, MismatchKind.EQUAL})


class Cause(StrEnum):
    """Why the sides differ."""

    NONE = ""
    NEVER_PUSHED = "never pushed"
    REFUSED = "refused"
    ANSWER_LOST = "answer lost"
    NOT_KEPT = "said done and not kept"
    PUSHED_LATE = "pushed late"
    OVERWRITTEN = "overwritten"
    MISSING_PREREQUISITE = "missing prerequisite step"
    NOT_MAPPED = "not mapped"
    NOT_OURS = "not ours"
    HELD = "held"
    WAITING = "waits to be pushed"
    CHANGED_THERE = "changed there by others"
    NEVER_ARRIVED = "filed there, never arrived"
    REMOVED_HERE = "removed at its source"
    OTHER_CLOCK = "their clock differs"
    SENT_TWICE = "sent twice"
    NOT_KNOWN_HERE = "not known here"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One difference of one dossier.

    `detail`: the portal's message or what else the cause needs; `minutes` of a late push;
    `dates` and `steps`: those that the difference is about.
    """

    kind: MismatchKind
    cause: Cause = Cause.NONE
    detail: str = ""
    minutes: int | None = None
    dates: tuple[str, ...] = field(default=())
    steps: tuple[SeenStep, ...] = field(default=())

    @property
    def said(self) -> str:
        """The cause in words."""
        if self.cause is Cause.PUSHED_LATE and self.minutes is not None:
            return f"pushed {self.minutes} minutes late"
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value


def differs(found: tuple[Mismatch, ...]) -> bool:
    """Tell whether any of these is a difference."""
    return any(each.kind not in NO_DIFFERENCE for each in found)
