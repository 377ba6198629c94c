"""Where a dossier stands at an instant: received or not, open, early, on time, late, closed.

Profile `simple`, the one behind the provinces' published figures: finished (8, 9, 10) at or before
the due date, extended by the working time the dossier waited for the citizen (5, 6) where the
source has not moved the due date itself. Calendar days and working time: Asia/Ho_Chi_Minh.
"""

from enum import Enum
from typing import NamedTuple

from lgsp.domain.dossier import Dossier, Transition, effective_transitions, last_reopening
from lgsp.domain.status import FINISHED, NOT_RECEIVED, SUSPENDING, Status
from lgsp.domain.working_time import Calendar, add_working_ms, day_of, working_ms_between


class State(Enum):
    """The class a dossier is counted in; every dossier is in exactly one."""

    UNMAPPED = "unmapped"  # no status that we can map
    REGISTERED = "registered"  # filed, not received yet
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OPEN = "open"
    SUSPENDED = "suspended"  # open, waiting for the citizen: the clock stands
    EARLY = "early"  # resolved on a day before the due day
    ON_TIME = "on_time"
    LATE = "late"
    WITHOUT_DEADLINE = "without_deadline"  # resolved; no due date was ever known


RESOLVED = frozenset({State.EARLY, State.ON_TIME, State.LATE, State.WITHOUT_DEADLINE})
STILL_OPEN = frozenset({State.OPEN, State.SUSPENDED})


class Standing(NamedTuple):
    """Where a dossier stands; times in ms UTC.

    `deadline` is the due date extended by the suspended working time so far. `overdue` is only
    ever true of an open dossier. `turns_at` is when an open dossier turns overdue if nothing
    happens: the first instant at which the standing must be computed again.
    """

    state: State
    received_at: int | None = None
    deadline: int | None = None
    closed_at: int | None = None
    overdue: bool = False
    turns_at: int | None = None


def standing(dossier: Dossier, calendar: Calendar, now: int) -> Standing:  # noqa: PLR0911
    """Compute where the dossier stands at `now` (ms UTC) by profile `simple`.

    Raises:
        CalendarRangeError: a date outside the calendar's years had to be counted in working time.
    """
    taken = effective_transitions(dossier)
    if not taken:
        return Standing(State.UNMAPPED)
    current = taken[-1].status
    received_at = reception_time(dossier, taken)
    if current is Status.REFUSED:
        return Standing(State.REFUSED, received_at, closed_at=taken[-1].occurred_at)
    if current is Status.WITHDRAWN:
        return Standing(State.WITHDRAWN, received_at, closed_at=taken[-1].occurred_at)
    if received_at is None:
        return Standing(State.REGISTERED)
    closed_at = finishing_time(dossier, taken) if current in FINISHED else None
    deadline = _deadline(
        dossier, taken, received_at, calendar, now if closed_at is None else closed_at
    )
    if closed_at is not None:
        return Standing(_resolved(closed_at, deadline), received_at, deadline, closed_at)
    overdue = deadline is not None and now > deadline
    if current in SUSPENDING:
        return Standing(State.SUSPENDED, received_at, deadline, overdue=overdue)
    turns_at = None if overdue or deadline is None else deadline + 1
    return Standing(State.OPEN, received_at, deadline, overdue=overdue, turns_at=turns_at)


def _resolved(closed_at: int, deadline: int | None) -> State:
    if deadline is None:
        return State.WITHOUT_DEADLINE
    if closed_at > deadline:
        return State.LATE
    return State.EARLY if day_of(closed_at) < day_of(deadline) else State.ON_TIME


def reception_time(dossier: Dossier, taken: list[Transition]) -> int | None:
    """Give the reception time: the stated one, else the first step that implies reception.

    Statuses 1 and 3 alone mean "not received", whatever dates the source carries. 5 and 7 may
    come before reception, so on their own they imply nothing.
    """
    if all(t.status in NOT_RECEIVED for t in taken):
        return None
    if dossier.received_at is not None:
        return dossier.received_at
    implying = NOT_RECEIVED | {Status.SUPPLEMENT_REQUIRED, Status.WITHDRAWN}
    return next((t.occurred_at for t in taken if t.status not in implying), None)


def finishing_time(dossier: Dossier, taken: list[Transition]) -> int:
    """Give the finishing time of a dossier that stands at 8, 9 or 10.

    The stated one, else that of the last 9, else of 10, else of 8. A stated time from before the
    source reopened the dossier no longer counts.
    """
    reopened = last_reopening(taken) or -1
    if dossier.finished_at is not None and dossier.finished_at >= reopened:
        return dossier.finished_at
    times = {t.status: t.occurred_at for t in taken if t.occurred_at >= reopened}
    for status in (Status.PROCESSED, Status.RESULT_RETURNED):
        if status in times:
            return times[status]
    return times[Status.STOPPED]


def _deadline(
    dossier: Dossier, taken: list[Transition], received_at: int, calendar: Calendar, until: int
) -> int | None:
    if dossier.due_at is None:
        return None
    suspended = 0
    for i, transition in enumerate(taken):
        if transition.status in SUSPENDING and not _due_moved(dossier, transition):
            end = taken[i + 1].occurred_at if i + 1 < len(taken) else until
            start, end = max(transition.occurred_at, received_at), min(end, until)
            if start < end:
                suspended += working_ms_between(start, end, calendar)
    return add_working_ms(dossier.due_at, suspended, calendar) if suspended else dossier.due_at


def _due_moved(dossier: Dossier, start: Transition) -> bool:
    """Tell whether the source set another due date once this suspension had begun."""
    due_then = None
    for transition in dossier.transitions:
        if transition.due_at is None:
            continue
        if transition <= start:
            due_then = transition.due_at
        elif transition.due_at != due_then:
            return True
    # Never stated by a transition up to then: the register's date came with a later one.
    return due_then is None
