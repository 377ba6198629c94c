"""What the portal shows of a dossier, judged by our own rule of lateness. Pure.

Equal data can never differ in it.
"""

from dataclasses import replace
from typing import Any

from lgsp.domain.dossier import Dossier
from lgsp.domain.event import statement
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.reconciliation.lateness import is_late
from lgsp.domain.reconciliation.sides import (
    Moment,
    SeenStep,
    Side,
    SideOrder,
    course_of,
    dates_that_differ,
    steps_apart,
)
from lgsp.domain.transition import Transition
from lgsp.domain.working_time import Calendar, CalendarRangeError


def late_there(
    dossier: Dossier, ours: Side, shown: Side, profile: Profile, calendar: Calendar, now: int
) -> bool | None:
    """Tell whether the portal counts the dossier as late, by the rule of the profile on its data.

    Args:
        dossier: as we hold it: of what the portal does not tell, ours stands.
        ours: what it should show.
        shown: what the portal shows.
        profile: whose rule judges.
        calendar: working days.
        now: ms UTC.

    Returns:
        None: what it shows does not tell.
    """
    course = course_of(ours, shown, profile.statuses)
    if course is SideOrder.SAME and not (
        any(steps_apart(ours, shown)) or dates_that_differ(ours, shown, course)
    ):
        return ours.late
    transitions = _shown_transitions(dossier, shown)
    if not transitions or transitions[-1].status is not shown.status:
        return None
    dates: dict[str, Any] = {name: _instant(moment) for name, moment in shown.dates.items()}
    ended = profile.statuses.finishes[transitions[-1].status]
    if ended and shown.dates.get("finished_at") is None:
        return None
    if not ended:
        dates |= {"finished_at": None, "returned_at": None}
    try:
        seen = replace(dossier, transitions=transitions, **dates)
        return is_late(profile.standing(seen, calendar, now))
    except CalendarRangeError:
        return None


def _instant(moment: Moment | None) -> int | None:
    return None if moment is None else moment.at


def _shown_transitions(dossier: Dossier, shown: Side) -> tuple[Transition, ...]:
    """Give our transitions as far as the portal shows them, and those that only it shows."""
    ours = dossier.transitions
    if shown.steps is None:
        last = max((i for i, t in enumerate(ours) if t.status is shown.status), default=-1)
        return ours[: last + 1]
    taken: list[Transition] = []
    for step in shown.steps:
        own = next((t for t in ours if t.status is step.status and _at(step, t)), None)
        taken.append(own or _as_transition(step, dossier))
    return tuple(sorted(set(taken), key=lambda t: t[:3]))


def _at(step: SeenStep, transition: Transition) -> bool:
    return step.at <= transition.occurred_at < step.at + step.span


def _as_transition(step: SeenStep, dossier: Dossier) -> Transition:
    return Transition(
        occurred_at=step.at,
        sequence=0,
        event_id=b"%d:%d" % (step.at, step.status),
        status=step.status,
        reopens=False,
        due_at=dossier.due_at,
        stated=statement(step.at),
        dated=False,
        removed=False,
        portal=dossier.portal,
        details=0,
    )
