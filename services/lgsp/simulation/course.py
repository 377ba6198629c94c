"""The course of one dossier: which changes, when, and the dates its portal states at each.

The class is decided first and the times are laid so that it is true, in working time (see
arrivals.py): a due time, a suspension and a finish are sums and comparisons of integers there.
"""

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import NamedTuple

from lgsp.domain.errors import FatalError
from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp.domain.working_time import WORKING_DAY_MS
from lgsp.simulation.agencies import Procedure
from lgsp.simulation.delays import (
    MARGIN,
    NO_DELAYS,
    SECOND,
    Delays,
    Fate,
    choose_finish,
    day_of,
    draw_delays,
    early_finish,
    seconds,
)

Instant = Callable[[int], int]
"""`Calendar.instant_at`: from working time to ms UTC."""

WAITING = frozenset({Status.SUPPLEMENT_REQUIRED, Status.PAYMENT_REQUIRED})
"""The twin's own word for the statuses in which a dossier waits for the citizen."""

_STOPPED, _RETURNED, _NO_DEADLINE = 0.003, 0.85, 0.002


class Ending(StrEnum):
    """The class a dossier is counted in at the period's end."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    WITHOUT_DEADLINE = "without_deadline"
    OPEN = "open"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class StatusChange(NamedTuple):
    """One status and the dates known then (ms UTC).

    `due_at` is what the portal states; `clock_due_at` what one that stops its clock while it waits
    states (the due time moves when the clock goes on).
    """

    at: int
    status: Status
    due_at: int | None
    clock_due_at: int | None
    finished_at: int | None = None
    returned_at: int | None = None


class Course(NamedTuple):
    """The changes after filing, the class, the due time with the suspensions so far (ms UTC)."""

    changes: list[StatusChange]
    ending: Ending
    deadline: int | None
    finished_at: int | None


def received_course(
    fate: Fate,
    received: int,
    end: int,
    procedure: Procedure,
    channel: Channel,
    instant: Instant,
    rng: Random,
) -> Course:
    """Lay the course of a dossier received at `received` in a period that ends at `end`.

    `received` and `end` are working time; for fate LATE a procedure's days must fit between.
    """
    if fate is Fate.OPEN:
        return _open(received, end, procedure, instant, rng)
    if fate is Fate.WITHDRAWN:
        return _withdrawn(received, end, procedure, instant, rng)
    if fate is Fate.GOOD and rng.random() < _NO_DEADLINE:
        done = min(received + seconds(rng, MARGIN, 5 * WORKING_DAY_MS), end)
        changes = _lay(NO_DELAYS, received, done, None, instant, rng)
        return _finished(changes, done, end, None, Ending.WITHOUT_DEADLINE, instant, rng)
    allowed = procedure.days * WORKING_DAY_MS
    delays = draw_delays(procedure, channel, rng)
    finish = choose_finish(fate, delays, received, end, allowed, rng)
    if finish is None:
        delays = NO_DELAYS
        finish = choose_finish(fate, delays, received, end, allowed, rng)
    if finish is None and fate is Fate.GOOD:  # due after the period: early always fits
        finish = early_finish(delays, received, end, received + allowed, rng)
    if finish is None:
        raise FatalError(f"the twin cannot lay a {fate} dossier of {procedure} into the period")
    deadline = received + allowed + delays.longer
    if finish > deadline:
        ending = Ending.LATE
    else:
        ending = Ending.EARLY if day_of(finish) < day_of(deadline) else Ending.ON_TIME
    changes = _lay(delays, received, finish, allowed, instant, rng)
    return _finished(changes, finish, end, deadline, ending, instant, rng)


def _lay(
    delays: Delays, received: int, finish: int, allowed: int | None, instant: Instant, rng: Random
) -> list[StatusChange]:
    """Lay the changes from reception up to the finish, without it."""
    due = clock_due = None if allowed is None else received + allowed
    free = finish - received - delays.waiting
    if allowed is not None:
        free = min(free, allowed)
    count = 1 + len(delays.waits) + (delays.extension > 0)
    points = sorted(rng.sample(range(1, free // SECOND), count))
    changes = [_change(received, Status.RECEIVED, due, clock_due, instant)]
    at = received + points[0] * SECOND
    changes.append(_change(at, Status.PROCESSING, due, clock_due, instant))
    if delays.extension and due is not None:
        due = clock_due = due + delays.extension * WORKING_DAY_MS
        at = received + points[1] * SECOND
        changes.append(_change(at, Status.PROCESSING, due, clock_due, instant))
    waited = 0
    for point, (status, wait) in zip(points[1:], delays.waits, strict=False):
        at = received + point * SECOND + waited
        changes.append(_change(at, status, due, clock_due, instant))
        waited += wait
        if due is not None and clock_due is not None:
            clock_due += wait
            due = clock_due if delays.moves_due else due
        changes.append(_change(at + wait, Status.PROCESSING, due, clock_due, instant))
    return changes


def _finished(
    changes: list[StatusChange],
    finish: int,
    end: int,
    deadline: int | None,
    ending: Ending,
    instant: Instant,
    rng: Random,
) -> Course:
    at = instant(finish)
    _, _, due, clock_due, _, _ = changes[-1]
    stopped = rng.random() < _STOPPED
    status = Status.STOPPED if stopped else Status.PROCESSED
    changes.append(StatusChange(at, status, due, clock_due, at))
    returned = finish + seconds(rng, 60_000, 3 * WORKING_DAY_MS)
    if not stopped and returned <= end and rng.random() < _RETURNED:
        back = instant(returned)
        changes.append(StatusChange(back, Status.RESULT_RETURNED, due, clock_due, at, back))
    return Course(changes, ending, None if deadline is None else instant(deadline), at)


def _open(received: int, end: int, procedure: Procedure, instant: Instant, rng: Random) -> Course:
    allowed = procedure.days * WORKING_DAY_MS
    changes = [_change(received, Status.RECEIVED, received + allowed, received + allowed, instant)]
    deadline = received + allowed
    drawn = rng.random()
    if drawn < 0.9:
        room = min(end - received, allowed)
        points = sorted(rng.sample(range(1, room // SECOND), 2))
        first, second = (received + point * SECOND for point in points)
        changes.append(_change(first, Status.PROCESSING, deadline, deadline, instant))
        if drawn < 0.3:
            status = Status.PAYMENT_REQUIRED if drawn < 0.08 else Status.SUPPLEMENT_REQUIRED
            changes.append(_change(second, status, deadline, deadline, instant))
            deadline += end - second
    return Course(changes, Ending.OPEN, instant(deadline), None)


def _withdrawn(
    received: int, end: int, procedure: Procedure, instant: Instant, rng: Random
) -> Course:
    allowed = procedure.days * WORKING_DAY_MS
    gone = received + seconds(rng, 2 * MARGIN, min(allowed, end - received))
    changes = _lay(NO_DELAYS, received, gone, allowed, instant, rng)
    changes.append(
        _change(gone, Status.WITHDRAWN, received + allowed, received + allowed, instant)
    )
    return Course(changes, Ending.WITHDRAWN, instant(received + allowed), None)


def _change(
    at: int, status: Status, due: int | None, clock_due: int | None, instant: Instant
) -> StatusChange:
    return StatusChange(
        instant(at),
        status,
        None if due is None else instant(due),
        None if clock_due is None else instant(clock_due),
    )
