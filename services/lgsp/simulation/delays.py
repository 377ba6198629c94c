"""What happens to a dossier on the way, and the finish that makes its fate true.

All moments are working time (see arrivals.py).
"""

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp.domain.working_time import HOUR_MS, WORKING_DAY_MS
from lgsp.simulation.agencies import Procedure

MARGIN = 300_000
"""Least working time for what lies between two laid moments."""
SECOND = 1000
_SUPPLEMENT, _PAYMENT, _EXTENSION = 0.06, 0.1, 0.115  # cumulated shares
_TWO_ROUNDS, _MOVES_DUE = 0.15, 0.5
_THANKS_TO_WAITING, _ON_THE_DUE_DAY, _AT_THE_DEADLINE, _LATE_BY_A_SECOND = 0.3, 0.15, 0.015, 0.02


class Fate(StrEnum):
    """What a dossier must come to: the quota it fills."""

    GOOD = "good"
    LATE = "late"
    OPEN = "open"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class Delays(NamedTuple):
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


NO_DELAYS = Delays()


def draw_delays(procedure: Procedure, channel: Channel, rng: Random) -> Delays:
    """Draw waits for the citizen, or an extension; most dossiers have neither."""
    drawn = rng.random()
    if drawn < _SUPPLEMENT:
        waits = [(Status.SUPPLEMENT_REQUIRED, seconds(rng, HOUR_MS, 5 * WORKING_DAY_MS))]
        if rng.random() < _TWO_ROUNDS:
            second = Status.PAYMENT_REQUIRED if procedure.fee else Status.SUPPLEMENT_REQUIRED
            waits.append((second, seconds(rng, HOUR_MS, 2 * WORKING_DAY_MS)))
        return Delays(waits, moves_due=rng.random() < _MOVES_DUE)
    if drawn < _PAYMENT and procedure.fee and channel is Channel.ONLINE:
        return Delays([(Status.PAYMENT_REQUIRED, seconds(rng, HOUR_MS, 2 * WORKING_DAY_MS))])
    if _PAYMENT <= drawn < _EXTENSION:
        return Delays(extension=rng.randint(1, 5))
    return NO_DELAYS


def choose_finish(
    fate: Fate, delays: Delays, received: int, end: int, allowed: int, rng: Random
) -> int | None:
    """Choose the finish so that the fate is true; None when it does not fit into the period."""
    deadline = received + allowed + delays.longer
    if fate is Fate.LATE:
        return _late(deadline, end, rng)
    drawn = rng.random()
    soonest = received + delays.waiting + MARGIN
    if deadline <= end:
        if delays.waits and drawn < _THANKS_TO_WAITING:
            return _between(rng, received + allowed, deadline, soonest)
        if drawn > 1 - _AT_THE_DEADLINE:
            return deadline
        if drawn > 1 - _ON_THE_DUE_DAY:
            return _between(rng, day_of(deadline) * WORKING_DAY_MS, deadline, soonest)
    return early_finish(delays, received, end, deadline, rng)


def _late(deadline: int, end: int, rng: Random) -> int | None:
    """Choose a finish after the deadline: by a second, hours, days or weeks."""
    if deadline + SECOND > end:
        return None
    drawn = rng.random()
    if drawn < _LATE_BY_A_SECOND:
        return deadline + SECOND
    most = 4 * HOUR_MS if drawn < 0.4 else WORKING_DAY_MS * (3 if drawn < 0.8 else 15)
    return min(deadline + seconds(rng, SECOND, most), end)


def early_finish(
    delays: Delays, received: int, end: int, deadline: int, rng: Random
) -> int | None:
    """Choose a finish on a working day before the due day, more often late than soon."""
    low = received + delays.waiting + MARGIN
    high = min(day_of(deadline) * WORKING_DAY_MS, end)
    if low > high:
        return None
    return low + int((high - low) * rng.triangular(0, 1, 0.6)) // SECOND * SECOND


def _between(rng: Random, after: int, upto: int, least: int) -> int | None:
    low = max(after + SECOND, least)
    return seconds(rng, low, upto) if low <= upto else None


def day_of(worked: int) -> int:
    """Number the working day that a moment of working time falls on; 17:00 ends its own day."""
    return (worked - 1) // WORKING_DAY_MS


def seconds(rng: Random, low: int, high: int) -> int:
    """Draw a span of whole seconds, in ms, between two (both may come)."""
    return rng.randint(low // SECOND, high // SECOND) * SECOND
