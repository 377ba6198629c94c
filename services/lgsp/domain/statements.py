"""Which statements of a dossier stand: a later word of a source replaces the dates it gave before.

The transitions of a dossier are never taken away; here it is told which of them are in force.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from lgsp.domain.event import date_of_status, statement
from lgsp.domain.status import Flags, Status
from lgsp.domain.transition import Transition

_NAMES = sorted({date_of_status(status) for status in Status} - {""})
_KINDS = tuple(1 << _NAMES.index(date_of_status(s)) if date_of_status(s) else 0 for s in Status)
"""A bit for the date that each status stands for."""


def in_force(transitions: Sequence[Transition]) -> Sequence[Transition]:
    """Return the transitions that no later statement of their source dates otherwise, in order.

    A filing, reception, finish or return is one date of a source: the one stated last. A statement
    that is as old as its own date replaces nothing: it may be a further one of its kind. That a
    source no longer holds the dossier says nothing of its status.
    """
    seen = 0
    for transition in transitions:
        bit = _KINDS[transition.status] if transition.dated else 0
        if seen & bit or transition.removed:
            return _not_replaced(transitions)
        seen |= bit
    return transitions  # the usual case: each date was stated once


def _not_replaced(transitions: Sequence[Transition]) -> list[Transition]:
    latest: dict[tuple[str, str], Transition] = {}
    for transition in transitions:
        if transition.dated and not transition.removed:
            key = (transition.portal, date_of_status(transition.status))
            known = latest.get(key)
            if known is None or transition.statement > known.statement:
                latest[key] = transition
    replacing = {
        key: t.occurred_at for key, t in latest.items() if t.stated != statement(t.occurred_at)
    }
    return [
        t
        for t in transitions
        if not t.removed
        and (
            not t.dated
            or replacing.get((t.portal, date_of_status(t.status)), t.occurred_at) == t.occurred_at
        )
    ]


def by_statement(transitions: Sequence[Transition]) -> list[Transition]:
    """Return the transitions in the order in which they were stated."""
    return sorted(transitions, key=lambda t: t.statement)


def is_removed(transitions: Sequence[Transition]) -> bool:
    """Tell whether every source of the dossier said last that it no longer holds it."""
    if not any(t.removed for t in transitions):
        return False
    latest: dict[str, Transition] = {}
    for transition in transitions:
        known = latest.get(transition.portal)
        if known is None or transition.statement > known.statement:
            latest[transition.portal] = transition
    return all(t.removed for t in latest.values())


def is_history(after: Transition, standing: Iterable[Transition], closes: Flags) -> bool:
    """Tell whether the source of `after` said later that the dossier had been closed before it.

    What a source showed until then is history, whatever its dates: only a later word than all
    these opens the dossier again.

    Args:
        after: would open the dossier.
        standing: the transitions in force, in order; those before `after` count.
        closes: by status, whether it closes a dossier.
    """
    before = takewhile(lambda t: t is not after, standing)
    return any(
        closes[t.status] and t.portal == after.portal and after.statement <= t.statement
        for t in before
    )
