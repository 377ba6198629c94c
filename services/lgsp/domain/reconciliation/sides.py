"""What one side holds of a dossier, and how two sides stand to each other. Pure, symmetric.

What a side does not tell is not known: it agrees with anything, and differs from nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from lgsp.domain.status import Status, StatusSemantics, Verdict

SECOND_MS, MINUTE_MS = 1000, 60_000
_REACHED = frozenset({Verdict.LEGAL, Verdict.SKIPPED})

DATES = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")
_OF_THE_END = frozenset({"finished_at", "returned_at"})


class Moment(NamedTuple):
    """An instant as it was told: at least `at`, before `at + span` (ms UTC, ms)."""

    at: int
    span: int = SECOND_MS

    def agrees(self, other: "Moment") -> bool:
        """Tell whether both may be one instant."""
        return self.at < other.at + other.span and other.at < self.at + self.span


class SeenStep(NamedTuple):
    """A progress step as a side shows it; `at` as in Moment."""

    at: int
    status: Status
    span: int = SECOND_MS

    @property
    def moment(self) -> Moment:
        """Its time."""
        return Moment(self.at, self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side holds of a dossier.

    Attributes:
        status: None: not known.
        dates: by the names of DATES. A name that is absent is not known; None: there is no such
            date, by that side's word.
        steps: its progress steps in time order, repeats included; None: not known.
        late: whether it counts the dossier as late or overdue; None: not known.
        received_late: the same of the reception.
    """

    status: Status | None = None
    dates: Mapping[str, Moment | None] = field(default_factory=dict)
    steps: tuple[SeenStep, ...] | None = None
    late: bool | None = None
    received_late: bool | None = None


class SideOrder(Enum):
    """How far the second side has come, seen from the first."""

    SAME = "same"
    BEHIND = "behind"
    AHEAD = "ahead"
    APART = "apart"  # neither follows from the other
    UNKNOWN = "unknown"  # a status is not known


def course_of(first: Side, second: Side, statuses: StatusSemantics) -> SideOrder:
    """Tell how far `second` has come, seen from `first`; `statuses` says what may follow what.

    The times of the newest steps tell first, then which status the other has passed, then which
    can follow from the other.
    """
    ours, theirs = first.status, second.status
    if ours is None or theirs is None:
        return SideOrder.UNKNOWN
    if ours is theirs:
        return SideOrder.SAME
    if first.steps and second.steps:
        newest, other = first.steps[-1].moment, second.steps[-1].moment
        if not newest.agrees(other):
            return SideOrder.AHEAD if other.at > newest.at else SideOrder.BEHIND
    passed, other_passed = theirs in _passed(first), ours in _passed(second)
    if passed is not other_passed:
        return SideOrder.BEHIND if passed else SideOrder.AHEAD
    leads, led = _follows(theirs, ours, statuses), _follows(ours, theirs, statuses)
    if leads is not led:
        return SideOrder.BEHIND if leads else SideOrder.AHEAD
    return SideOrder.APART


def dates_that_differ(first: Side, second: Side, course: SideOrder) -> list[str]:
    """Name the dates that both sides tell, and tell differently, in the order of DATES.

    A side that lags lacks dates of what came later: that is no difference of its own.
    """
    level = course in {SideOrder.SAME, SideOrder.UNKNOWN}
    found = []
    for name in DATES:
        if name not in first.dates or name not in second.dates:
            continue
        ours, theirs = first.dates[name], second.dates[name]
        if not level and (name in _OF_THE_END or ours is None or theirs is None):
            continue
        if ours is None or theirs is None:
            if ours is not theirs:
                found.append(name)
        elif not ours.agrees(theirs):
            found.append(name)
    return found


class Steps(NamedTuple):
    """The steps of two sides against each other."""

    only_first: tuple[SeenStep, ...]
    only_second: tuple[SeenStep, ...]


def steps_apart(first: Side, second: Side) -> Steps:
    """Tell the steps that only one side has; nothing where one side tells none of its steps.

    Steps of one status whose times may be equal are one step, however often it is told. Of those
    left over, one of the same status stands for the other: a portal may keep another time.
    """
    if first.steps is None or second.steps is None:
        return Steps((), ())
    ours, theirs = _distinct(first.steps), _distinct(second.steps)
    free = list(theirs)
    left = []
    for step in ours:
        twin = next((o for o in free if _is_same(step, o)), None)
        if twin is None:
            left.append(step)
        else:
            free.remove(twin)
    shared = Counter(step.status for step in left) & Counter(step.status for step in free)
    return Steps(_beyond(left, shared), _beyond(free, shared))


def is_among(step: SeenStep, steps: Iterable[SeenStep]) -> bool:
    """Tell whether a step is one of these, however exact its time is told."""
    return any(_is_same(step, other) for other in steps)


def repeated_steps(side: Side) -> tuple[SeenStep, ...]:
    """Tell the steps that a side shows more than once, each once."""
    steps = side.steps or ()
    first: list[SeenStep] = []
    again: list[SeenStep] = []
    for step in steps:
        if step not in first:
            first.append(step)
        elif step not in again:
            again.append(step)
    return tuple(again)


def _beyond(steps: list[SeenStep], shared: Counter[Status]) -> tuple[SeenStep, ...]:
    left, found = Counter(shared), []
    for step in steps:
        if left[step.status]:
            left[step.status] -= 1
        else:
            found.append(step)
    return tuple(found)


def _distinct(steps: tuple[SeenStep, ...]) -> list[SeenStep]:
    return list(dict.fromkeys(steps))


def _is_same(step: SeenStep, other: SeenStep) -> bool:
    return step.status is other.status and step.moment.agrees(other.moment)


def _passed(side: Side) -> set[Status]:
    return {step.status for step in side.steps or ()}


def _follows(old: Status, new: Status, statuses: StatusSemantics) -> bool:
    return statuses.verdict(old, new) in _REACHED
