"""What a run of transitions leaves of a dossier: the transition table and the waits, vectorised.

The k-th new transition of every dossier is taken in one stroke, k by k. The rules are those of
domain/dossier.py `effective_steps` and domain/standing.py; dossiers that the source reopened are
marked `odd` and left to them.

Waiting for the citizen (5, 6): a wait counts unless the source moves the due date once it has
begun. A due date stated otherwise than before therefore takes back every wait so far.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lgsp.domain.status import NOT_RECEIVED, SUSPENDING, Status, Verdict, verdict
from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.table import NEVER, Rows
from lgsp.store.rates.layout import NO_TIME, TIMES

Ints = npt.NDArray[np.int64]

DUE = TIMES.index("due_at")
_IMPLYING = np.array(
    [
        s not in NOT_RECEIVED | {Status.UNKNOWN, Status.SUPPLEMENT_REQUIRED, Status.WITHDRAWN}
        for s in Status
    ]
)
_SUSPENDING = np.array([s in SUSPENDING for s in Status])
_TAKEN = np.array(
    [
        [bool(new) and (not old or verdict(old, new) is not Verdict.ILLEGAL) for new in Status]
        for old in Status
    ]
)
# The finishing time is that of the last 9, else of the last 10, else of 8 (standing.py).
_BEFORE = {
    Status.PROCESSED: 0,
    Status.RESULT_RETURNED: 1 << Status.PROCESSED,
    Status.STOPPED: 1 << Status.PROCESSED | 1 << Status.RESULT_RETURNED,
}
_NEVER_ENDS = 0xFFFF
_ENDS_UNLESS = np.array([_BEFORE.get(s, _NEVER_ENDS) for s in Status])
_FINISHES = np.array([s in _BEFORE for s in Status])


class Steps(NamedTuple):
    """Transitions in order, grouped by dossier: group g is at starts[g], sizes[g] long."""

    at: Ints
    due: Ints
    status: Ints
    starts: Ints
    sizes: Ints


def follow(rows: Rows, steps: Steps, calendar: FastCalendar) -> None:
    """Bring what earlier transitions say up to date with the new ones, in place.

    `rows[g]` belongs to group g; its registers are those before the new transitions.
    """
    state: dict[str, Any] = {
        name: rows[name].copy()
        for name in (
            "current",
            "current_at",
            "seen",
            "implied",
            "ended",
            "waited",
            "waits_from",
            "first_wait",
            "last_wait",
        )
    }
    state["due"] = rows["times"][:, DUE].copy()
    groups = np.arange(len(rows))
    for k in range(int(steps.sizes.max(initial=0))):
        groups = groups[steps.sizes[groups] > k]
        i = steps.starts[groups] + k
        _round(state, groups, steps.at[i], steps.due[i], steps.status[i], calendar)
    for name, column in state.items():
        if name != "due":
            rows[name] = column


def _round(
    state: dict[str, Any], g: Ints, at: Ints, due: Ints, status: Ints, calendar: FastCalendar
) -> None:
    """Take one transition of each of the groups `g`."""
    moved = (due != NO_TIME) & (due != state["due"][g])
    back = g[moved]
    state["due"][back] = due[moved]
    state["waited"][back] = 0
    state["waits_from"][back] = state["last_wait"][back] = NO_TIME
    state["first_wait"][back] = NEVER

    taken = _TAKEN[state["current"][g], status]
    g, at, status = g[taken], at[taken], status[taken]
    resumed = state["waits_from"][g] != NO_TIME
    r, until = g[resumed], at[resumed]
    state["waited"][r] += calendar.worked_until(until) - calendar.worked_until(
        state["waits_from"][r]
    )
    state["last_wait"][r] = np.maximum(state["last_wait"][r], until)
    state["waits_from"][r] = NO_TIME
    waits = _SUSPENDING[status] & (state["due"][g] != NO_TIME)
    w = g[waits]
    state["waits_from"][w] = at[waits]
    state["first_wait"][w] = np.minimum(state["first_wait"][w], at[waits])

    implies = _IMPLYING[status] & (state["implied"][g] == NO_TIME)
    state["implied"][g[implies]] = at[implies]
    ends = _FINISHES[status] & (state["seen"][g] & _ENDS_UNLESS[status] == 0)
    state["ended"][g[ends]] = at[ends]
    state["seen"][g] |= np.left_shift(1, status).astype(np.uint16)
    state["current"][g] = status
    state["current_at"][g] = at
