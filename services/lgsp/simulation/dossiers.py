"""The twin's dossiers, one by one in the order in which staff take them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp.domain.working_time import (
    WORKING_DAY_MS,
    Calendar,
    date_of,
    day_number,
    day_of,
    day_start_ms,
)
from lgsp.simulation.agencies import LONGEST_DAYS, Agencies, Procedure
from lgsp.simulation.arrivals import arrivals, submitted
from lgsp.simulation.course import Course, Ending, StatusChange, received_course
from lgsp.simulation.delays import Fate
from lgsp.simulation.spec import ProvinceSpec, Quotas, quotas

_LATE_ROOM = 4  # working days before the end after which none is chosen to be late
_OPEN_TAIL = 25  # working days before the end in which most of the open ones came in


@dataclass(frozen=True, slots=True)
class TwinDossier:
    """One dossier with its whole course; times are ms UTC, whole seconds.

    `received_at` is None when it was refused. `number` counts from 1 in the order of reception.
    """

    number: int
    code: str
    agency: str
    procedure: Procedure
    channel: Channel
    submitted_at: int
    received_at: int | None
    course: Course


def closing_instant(spec: ProvinceSpec) -> int:
    """Return the last millisecond (UTC) of the period: the figures' as-of."""
    return day_start_ms(day_number(spec.last) + 1) - 1


def twin_dossiers(spec: ProvinceSpec, calendar: Calendar) -> Iterator[TwinDossier]:
    """Make the dossiers in ascending order of reception (or refusal), by the spec's seed.

    Raises:
        ConfigurationError: the period is too short.
        CalendarRangeError: the period lies outside the calendar.
    """
    rng = Random(spec.seed)  # noqa: S311 - reproducible, not secret
    wanted = quotas(spec.dossiers)
    agencies = Agencies(spec.province, rng)
    moments = arrivals(spec, calendar, wanted.dossiers, rng)
    end = calendar.worked_until(closing_instant(spec))
    fates = _fates(moments, end, wanted, rng)
    channels = _channels(fates, wanted, rng)
    earliest = day_start_ms(day_number(spec.first))
    instant = lru_cache(4096)(calendar.instant_at)  # a due time stands on each step
    sequences: Counter[tuple[str, int]] = Counter()
    for number, (moment, fate, channel) in enumerate(
        zip(moments, fates, channels, strict=True), 1
    ):
        room = (end - moment) // WORKING_DAY_MS
        agency, procedure = agencies.draw(rng, _longest(fate, room))
        at = instant(moment)
        day = day_of(at)
        sequences[agency, day] += 1
        filed = at
        if channel is Channel.ONLINE:
            filed = submitted(moment, at, earliest, calendar, rng)
        if fate is Fate.REFUSED:
            course = Course(
                [StatusChange(at, Status.REFUSED, None, None)], Ending.REFUSED, None, None
            )
        else:
            course = received_course(fate, moment, end, procedure, channel, instant, rng)
        if channel is Channel.ONLINE:
            course.changes.insert(0, StatusChange(filed, Status.REGISTERED, None, None))
        yield TwinDossier(
            number=number,
            code=f"{agency}-{_compact(day)}-{sequences[agency, day]:04d}",
            agency=agency,
            procedure=procedure,
            channel=channel,
            submitted_at=filed,
            received_at=None if fate is Fate.REFUSED else at,
            course=course,
        )


@lru_cache(1024)
def _compact(day: int) -> str:
    return f"{date_of(day):%y%m%d}"


def _longest(fate: Fate, room: int) -> int:
    """Give the longest processing time (working days) that may be drawn."""
    if fate in {Fate.OPEN, Fate.REFUSED}:
        return LONGEST_DAYS
    return max(1, room - 1 if fate is Fate.LATE else room)


def _fates(moments: list[int], end: int, wanted: Quotas, rng: Random) -> list[Fate]:
    """Deal the quotas out: late ones with room to be late in, open ones mostly at the end."""
    fates = [Fate.GOOD] * len(moments)
    late_room = end - _LATE_ROOM * WORKING_DAY_MS
    tail = end - _OPEN_TAIL * WORKING_DAY_MS

    def deal(fate: Fate, count: int, preferred: list[int]) -> None:
        free = [i for i in preferred if fates[i] is Fate.GOOD]
        if len(free) < count:
            free = [i for i, known in enumerate(fates) if known is Fate.GOOD]
        for i in rng.sample(free, count):
            fates[i] = fate

    roomy = [i for i, moment in enumerate(moments) if moment <= late_room]
    deal(Fate.LATE, wanted.late, roomy)
    deal(Fate.OPEN, wanted.open, [i for i, moment in enumerate(moments) if moment > tail])
    deal(Fate.WITHDRAWN, wanted.withdrawn, roomy)
    deal(Fate.REFUSED, wanted.refused, list(range(len(moments))))
    return fates


def _channels(fates: list[Fate], wanted: Quotas, rng: Random) -> list[Channel]:
    """Make exactly the wanted number of received dossiers online; refused ones always are."""
    channels = [Channel.ONLINE] * len(fates)
    received = [i for i, fate in enumerate(fates) if fate is not Fate.REFUSED]
    for i in rng.sample(received, wanted.received - wanted.online):
        channels[i] = Channel.DIRECT if rng.random() < 0.8 else Channel.POSTAL
    return channels
