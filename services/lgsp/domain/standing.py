"""Where a dossier stands at an instant: received or not, open, early, on time, late, closed.

What a status means is the profile's (`StatusSemantics`); the rule is one of the functions here or
the profile's own. Calendar days and working time: Asia/Ho_Chi_Minh.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from lgsp.domain.dossier import Dossier, effective_transitions, last_reopening
from lgsp.domain.statements import by_statement, is_removed
from lgsp.domain.status import StatusSemantics
from lgsp.domain.transition import Transition, overrules
from lgsp.domain.working_time import (
    Calendar,
    CalendarRangeError,
    add_working_ms,
    day_of,
    working_ms_between,
)


class State(Enum):
    """The class a dossier is counted in; every dossier is in exactly one."""

    UNMAPPED = "unmapped"  # no status that we can map
    REMOVED = "removed"  # the source no longer holds it: in no figure
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


StandingRule = Callable[[Dossier, StatusSemantics, Calendar, int], Standing]
"""Tells where a dossier stands at an instant (ms UTC), a pure function.

Of what is counted, `overdue` alone may depend on the instant, and without an event it may turn
true at `turns_at` or later, never before: a stored dossier is looked at again then. A suspended
one has none: its clock stands, and its next event tells."""


def after_due_time(deadline: int) -> int:
    """Return the first instant that is late when the due time is to the millisecond."""
    return deadline + 1


def by_deadline(  # noqa: PLR0911
    dossier: Dossier,
    statuses: StatusSemantics,
    calendar: Calendar,
    now: int,
    late_from: Callable[[int], int] = after_due_time,
) -> Standing:
    """Compute where the dossier stands at `now` (ms UTC): a finish is late from an instant on.

    The deadline is the due date, extended by the working time that the dossier waited for the
    citizen where the source has not moved the due date itself. `late_from` gives the first
    instant that is late by it.

    A deadline that an extension would move past the calendar's years stands at their end.

    Raises:
        CalendarRangeError: a date outside the calendar's years had to be counted in working time;
            no usable event (domain/usable.py) states one.
    """
    taken = effective_transitions(dossier, statuses)
    if not taken or is_removed(dossier.transitions):
        return Standing(State.REMOVED if taken else State.UNMAPPED)
    current, current_at = taken[-1].status, taken[-1].occurred_at
    received_at = reception_time(dossier, taken, statuses)
    if statuses.refuses[current]:
        return Standing(State.REFUSED, received_at, closed_at=current_at)
    if statuses.withdraws[current]:
        return Standing(State.WITHDRAWN, received_at, closed_at=current_at)
    if received_at is None:
        return Standing(State.REGISTERED)
    closed_at = finishing_time(dossier, taken, statuses) if statuses.finishes[current] else None
    until = now if closed_at is None else closed_at
    deadline = _deadline(dossier, taken, statuses, received_at, calendar, until)
    late_at = None if deadline is None else late_from(deadline)
    if closed_at is not None:
        state = _resolved(closed_at, deadline, late_at)
        return Standing(state, received_at, deadline, closed_at)
    overdue = late_at is not None and now >= late_at
    if statuses.suspends[current]:
        return Standing(State.SUSPENDED, received_at, deadline, overdue=overdue)
    turns_at = None if overdue else late_at
    return Standing(State.OPEN, received_at, deadline, overdue=overdue, turns_at=turns_at)


def _resolved(closed_at: int, deadline: int | None, late_at: int | None) -> State:
    if deadline is None or late_at is None:
        return State.WITHOUT_DEADLINE
    if closed_at >= late_at:
        return State.LATE
    return State.EARLY if day_of(closed_at) < day_of(deadline) else State.ON_TIME


def reception_time(
    dossier: Dossier, taken: list[Transition], statuses: StatusSemantics
) -> int | None:
    """Give the reception time: the stated one, else the first step that implies reception.

    While every step denies the reception there is none, whatever dates the source carries.
    """
    denies = statuses.denies_reception
    if all(denies[t.status] for t in taken):
        return None
    if dossier.received_at is not None:
        return dossier.received_at
    implies = statuses.implies_reception
    return next((t.occurred_at for t in taken if implies[t.status]), None)


def finishing_time(dossier: Dossier, taken: list[Transition], statuses: StatusSemantics) -> int:
    """Give the finishing time of a dossier that stands at a finishing status.

    The stated one, else that of the first of `statuses.finished` that was reached, its last time.
    A stated time from before the source reopened the dossier no longer counts.
    """
    reopened = last_reopening(taken, statuses) or -1
    if dossier.finished_at is not None and dossier.finished_at >= reopened:
        return dossier.finished_at
    times = {t.status: t.occurred_at for t in taken if t.occurred_at >= reopened}
    return next(times[status] for status in statuses.finished if status in times)


def _deadline(
    dossier: Dossier,
    taken: list[Transition],
    statuses: StatusSemantics,
    received_at: int,
    calendar: Calendar,
    until: int,
) -> int | None:
    if dossier.due_at is None:
        return None
    suspends, skips = statuses.suspends, statuses.skips
    suspended = 0
    for i, transition in enumerate(taken):
        if suspends[transition.status] and not _due_moved(dossier, transition):
            end = until
            if i + 1 < len(taken):
                after = taken[i + 1]
                if skips[transition.status][after.status]:
                    continue  # its end was not observed: how long it was is not known
                end = after.occurred_at
            start, end = max(transition.occurred_at, received_at), min(end, until)
            if start < end:
                suspended += working_ms_between(start, end, calendar)
    if not suspended:
        return dossier.due_at
    try:
        return add_working_ms(dossier.due_at, suspended, calendar)
    except CalendarRangeError:  # nothing is known of the days beyond: then it is at their end
        return calendar.years.until


def _due_moved(dossier: Dossier, start: Transition) -> bool:
    """Tell whether the source stated another due date once this suspension had begun."""
    due_then = None
    for transition in by_statement(dossier.transitions):
        if transition.due_at is None:
            continue
        if not overrules(transition, start):
            due_then = transition.due_at
        elif transition.due_at != due_then:
            return True
    # Never stated by a transition up to then: the register's date came with a later one.
    return due_then is None
