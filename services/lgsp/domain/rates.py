"""Rates as sums of contributions: what one dossier adds to the exact counts of a day.

A count is an integer; the two rates are quotients of sums of counts and are rounded in one place
(domain/figures.py).
"""

from typing import NamedTuple

from lgsp.domain.dossier import Dossier
from lgsp.domain.event import Channel
from lgsp.domain.standing import RESOLVED, STILL_OPEN, Standing, State, standing
from lgsp.domain.working_time import Calendar, day_of

PROFILE = "simple"
PROFILE_VERSION = "1"

MEASURES = (
    "received_online",
    "received_direct",
    "received_postal",
    "received_unknown",
    "open",
    "open_overdue",
    "suspended",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "resolved_without_deadline",
    "refused",
    "withdrawn",
)
"""Counts of a day cell. received_*, open, open_overdue and suspended belong to the day of
reception; resolved_* to the finishing day; refused and withdrawn to their own day. open includes
open_overdue and suspended."""

_INDEX = {name: i for i, name in enumerate(MEASURES)}
_RECEIVED = {channel: _INDEX[f"received_{channel.name.lower()}"] for channel in Channel}
_CLOSED = {state: _INDEX[f"resolved_{state.value}"] for state in RESOLVED} | {
    State.REFUSED: _INDEX["refused"],
    State.WITHDRAWN: _INDEX["withdrawn"],
}
_OPEN, _OVERDUE, _SUSPENDED = _INDEX["open"], _INDEX["open_overdue"], _INDEX["suspended"]


class DayCount(NamedTuple):
    """One unit added to one measure (an index into MEASURES) of one day (days since 1970)."""

    day: int
    measure: int


def day_counts(found: Standing, channel: Channel) -> list[DayCount]:
    """List what a dossier that stands so, filed through `channel`, adds to the day counts."""
    added: list[DayCount] = []
    state = found.state
    if found.received_at is not None and state is not State.REFUSED:
        day = day_of(found.received_at)
        added.append(DayCount(day, _RECEIVED[channel]))
        if state in STILL_OPEN:
            added.append(DayCount(day, _OPEN))
            if found.overdue:
                added.append(DayCount(day, _OVERDUE))
            if state is State.SUSPENDED:
                added.append(DayCount(day, _SUSPENDED))
    if found.closed_at is not None:
        added.append(DayCount(day_of(found.closed_at), _CLOSED[state]))
    return added


def contribution(dossier: Dossier, calendar: Calendar, now: int) -> list[DayCount]:
    """List what the dossier adds to the day counts of its unit and procedure at `now`."""
    return day_counts(standing(dossier, calendar, now), dossier.channel)
