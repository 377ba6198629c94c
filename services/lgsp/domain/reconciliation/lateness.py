"""Whether either side counts a dossier as late: by one rule, that of the profile. Pure.

What the portal shows is judged by the same rule as ours, so equal data can never differ.
"""

from lgsp.domain.standing import Standing, State
from lgsp.domain.working_time import (
    WORKING_DAY_MS,
    Calendar,
    CalendarRangeError,
    add_working_ms,
)

_LATE = {State.LATE: True, State.EARLY: False, State.ON_TIME: False}
_NOT_LATE = frozenset({State.REFUSED, State.WITHDRAWN, State.REGISTERED})
_OPEN = frozenset({State.OPEN, State.SUSPENDED})


def is_late(found: Standing) -> bool | None:
    """Tell whether a dossier that stands so is late or overdue; None: no deadline, or no class."""
    if found.state in _NOT_LATE:
        return False
    if found.state in _OPEN:
        return found.overdue if found.deadline is not None else None
    return _LATE.get(found.state)


def reception_deadline(submitted_at: int | None, calendar: Calendar) -> int | None:
    """Return until when a dossier filed online has to be received: 8 working hours, ms UTC."""
    if submitted_at is None or not calendar.covers(submitted_at):
        return None
    try:
        return add_working_ms(submitted_at, WORKING_DAY_MS, calendar)
    except CalendarRangeError:
        return None


def received_late(received_at: int | None, deadline: int | None, now: int) -> bool | None:
    """Tell whether it was, or still is, received after the deadline; None: not known."""
    if deadline is None:
        return None
    return (now if received_at is None else received_at) > deadline
