"""The course of one dossier: which changes, when, and the dates its portal states at each.

The class is decided first and the times are laid so that it is true, in working time (see
arrivals.py): a due time, a suspension and a finish are sums and comparisons of integers there.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

from lgsp.domain.errors import FatalError
from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp.domain.working_time import HOUR_MS, WORKING_DAY_MS
from lgsp.simulation.agencies import Procedure

Instant = Callable[[int], int]
"""`Calendar.instant_at`: from working time to ms UTC."""

WAITING = frozenset({Status.SUPPLEMENT_REQUIRED, Status.PAYMENT_REQUIRED})
"""The twin's own word for the statuses in which a dossier waits for the citizen."""

_MARGIN = 300_000  # least working time for what lies between two laid moments
_SECOND = 1000
_SUPPLEMENT, _PAYMENT, _EXTENSION = 0.06, 0.1, 0.115  # cumulated shares
_TWO_ROUNDS, _MOVES_DUE, _STOPPED, _RETURNED, _NO_DEADLINE = 0.15, 0.5, 0.003, 0.85, 0.002
_THANKS_TO_WAITING, _ON_THE_DUE_DAY, _AT_THE_DEADLINE, _LATE_BY_A_SECOND = 0.3, 0.15, 0.015, 0.02


class Fate(StrEnum):
    """What a dossier must come to: the quota it fills."""

    GOOD = "good"
    LATE = "late"
    OPEN = "open"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


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


class _Delays(NamedTuple):
    """What happens on the way, before it is laid: waits in working ms, days of an extension."""

    waits: Sequence[tuple[Status, int]] = ()
    moves_due: bool = False
    extension: int = 0

    @property
    def longer(self) -> int:
        """Working ms by which the deadline moves."""
        return sum(ms for _, ms in self.waits) + self.extension * WORKING_DAY_MS

    @property
    def waiting(self) -> int:
        """Working ms in which nothing can be done."""
        return sum(ms for _, ms in self.waits)


_NO_DELAYS = _Delays()


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
        done = min(received + _seconds(rng, _MARGIN, 5 * WORKING_DAY_MS), end)
        changes = _lay(_NO_DELAYS, received, done, None, instant, rng)
        return _finished(changes, done, end, None, Ending.WITHOUT_DEADLINE, instant, rng)
    allowed = procedure.days * WORKING_DAY_MS
    delays = _draw_delays(procedure, channel, rng)
    finish = _finish(fate, delays, received, end, allowed, rng)
    if finish is None:
        delays = _NO_DELAYS
        finish = _finish(fate, delays, received, end, allowed, rng)
    if finish is None and fate is Fate.GOOD:  # due after the period: early always fits
        finish = _early(delays, received, end, received + allowed, rng)
    if finish is None:
        raise FatalError(f"the twin cannot lay a {fate} dossier of {procedure} into the period")
    deadline = received + allowed + delays.longer
    if finish > deadline:
        ending = Ending.LATE
    else:
        ending = Ending.EARLY if _day(finish) < _day(deadline) else Ending.ON_TIME
    changes = _lay(delays, received, finish, allowed, instant, rng)
    return _finished(changes, finish, end, deadline, ending, instant, rng)


def _draw_delays(procedure: Procedure, channel: Channel, rng: Random) -> _Delays:
    drawn = rng.random()
    if drawn < _SUPPLEMENT:
        waits = [(Status.SUPPLEMENT_REQUIRED, _seconds(rng, HOUR_MS, 5 * WORKING_DAY_MS))]
        if rng.random() < _TWO_ROUNDS:
            second = Status.PAYMENT_REQUIRED if procedure.fee else Status.SUPPLEMENT_REQUIRED
            waits.append((second, _seconds(rng, HOUR_MS, 2 * WORKING_DAY_MS)))
        return _Delays(waits, moves_due=rng.random() < _MOVES_DUE)
    if drawn < _PAYMENT and procedure.fee and channel is Channel.ONLINE:
        return _Delays([(Status.PAYMENT_REQUIRED, _seconds(rng, HOUR_MS, 2 * WORKING_DAY_MS))])
    if _PAYMENT <= drawn < _EXTENSION:
        return _Delays(extension=rng.randint(1, 5))
    return _NO_DELAYS


def _finish(
    fate: Fate, delays: _Delays, received: int, end: int, allowed: int, rng: Random
) -> int | None:
    """Choose the finish so that the fate is true; None when it does not fit into the period."""
    deadline = received + allowed + delays.longer
    if fate is Fate.LATE:
        return _late(deadline, end, rng)
    drawn = rng.random()
    soonest = received + delays.waiting + _MARGIN
    if deadline <= end:
        if delays.waits and drawn < _THANKS_TO_WAITING:
            return _between(rng, received + allowed, deadline, soonest)
        if drawn > 1 - _AT_THE_DEADLINE:
            return deadline
        if drawn > 1 - _ON_THE_DUE_DAY:
            return _between(rng, _day(deadline) * WORKING_DAY_MS, deadline, soonest)
    return _early(delays, received, end, deadline, rng)


def _late(deadline: int, end: int, rng: Random) -> int | None:
    """Choose a finish after the deadline: by a second, hours, days or weeks."""
    if deadline + _SECOND > end:
        return None
    drawn = rng.random()
    if drawn < _LATE_BY_A_SECOND:
        return deadline + _SECOND
    most = 4 * HOUR_MS if drawn < 0.4 else WORKING_DAY_MS * (3 if drawn < 0.8 else 15)
    return min(deadline + _seconds(rng, _SECOND, most), end)


def _early(delays: _Delays, received: int, end: int, deadline: int, rng: Random) -> int | None:
    """Choose a finish on a working day before the due day, more often late than soon."""
    low = received + delays.waiting + _MARGIN
    high = min(_day(deadline) * WORKING_DAY_MS, end)
    if low > high:
        return None
    return low + int((high - low) * rng.triangular(0, 1, 0.6)) // _SECOND * _SECOND


def _between(rng: Random, after: int, upto: int, least: int) -> int | None:
    low = max(after + _SECOND, least)
    return _seconds(rng, low, upto) if low <= upto else None


def _lay(
    delays: _Delays, received: int, finish: int, allowed: int | None, instant: Instant, rng: Random
) -> list[StatusChange]:
    """Lay the changes from reception up to the finish, without it."""
    due = clock_due = None if allowed is None else received + allowed
    free = finish - received - delays.waiting
    if allowed is not None:
        free = min(free, allowed)
    count = 1 + len(delays.waits) + (delays.extension > 0)
    points = sorted(rng.sample(range(1, free // _SECOND), count))
    changes = [_change(received, Status.RECEIVED, due, clock_due, instant)]
    at = received + points[0] * _SECOND
    changes.append(_change(at, Status.PROCESSING, due, clock_due, instant))
    if delays.extension and due is not None:
        due = clock_due = due + delays.extension * WORKING_DAY_MS
        at = received + points[1] * _SECOND
        changes.append(_change(at, Status.PROCESSING, due, clock_due, instant))
    waited = 0
    for point, (status, wait) in zip(points[1:], delays.waits, strict=False):
        at = received + point * _SECOND + waited
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
    returned = finish + _seconds(rng, 60_000, 3 * WORKING_DAY_MS)
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
        points = sorted(rng.sample(range(1, room // _SECOND), 2))
        first, second = (received + point * _SECOND for point in points)
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
    gone = received + _seconds(rng, 2 * _MARGIN, min(allowed, end - received))
    changes = _lay(_NO_DELAYS, received, gone, allowed, instant, rng)
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


def _day(worked: int) -> int:
    """Number the working day that a moment of working time falls on; 17:00 ends its own day."""
    return (worked - 1) // WORKING_DAY_MS


def _seconds(rng: Random, low: int, high: int) -> int:
    return rng.randint(low // _SECOND, high // _SECOND) * _SECOND
