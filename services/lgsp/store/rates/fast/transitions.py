"""What a run of transitions leaves of a dossier: the transition table and the waits, vectorised.

The k-th new transition of every dossier is taken in one stroke, k by k. The rules are those of
domain/dossier.py `effective_transitions` and domain/standing.py. Dossiers that the source
reopened or removed, that it dated twice, of more than one source, or whose pause ended unobserved
are marked `odd` and left to them.

Waiting for the citizen: a wait counts unless the source moves the due date once it has
begun. A due date stated otherwise than before therefore takes back every wait so far.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.rows import NEVER, Rows
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.layout import NO_TIME, TIMES

Ints = npt.NDArray[np.int64]

DUE = TIMES.index("due_at")


class Transitions(NamedTuple):
    """Transitions in order, grouped by dossier: group g is at starts[g], sizes[g] long."""

    at: Ints
    due: Ints
    status: Ints
    starts: Ints
    sizes: Ints


def follow(rows: Rows, transitions: Transitions, rules: Rules, calendar: FastCalendar) -> None:
    """Bring what earlier transitions say up to date with the new ones, in place.

    `rows[g]` belongs to group g; its registers are those before the new transitions.
    """
    columns: dict[str, Any] = {
        name: rows[name].copy()
        for name in (
            "odd",
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
    columns["due"] = rows["times"][:, DUE].copy()
    groups = np.arange(len(rows))
    for k in range(int(transitions.sizes.max(initial=0))):
        groups = groups[transitions.sizes[groups] > k]
        i = transitions.starts[groups] + k
        _take_next(
            columns,
            groups,
            transitions.at[i],
            transitions.due[i],
            transitions.status[i],
            rules,
            calendar,
        )
    for name, column in columns.items():
        if name != "due":
            rows[name] = column


def _take_next(
    columns: dict[str, Any],
    g: Ints,
    at: Ints,
    due: Ints,
    status: Ints,
    rules: Rules,
    calendar: FastCalendar,
) -> None:
    """Take one transition of each of the groups `g`."""
    moved = (due != NO_TIME) & (due != columns["due"][g])
    back = g[moved]
    columns["due"][back] = due[moved]
    columns["waited"][back] = 0
    columns["waits_from"][back] = columns["last_wait"][back] = NO_TIME
    columns["first_wait"][back] = NEVER

    taken = rules.taken[columns["current"][g], status]
    g, at, status = g[taken], at[taken], status[taken]
    columns["odd"][g] |= rules.breaks_off[columns["current"][g], status]
    resumed = columns["waits_from"][g] != NO_TIME
    r, until = g[resumed], at[resumed]
    columns["waited"][r] += calendar.worked_until(until) - calendar.worked_until(
        columns["waits_from"][r]
    )
    columns["last_wait"][r] = np.maximum(columns["last_wait"][r], until)
    columns["waits_from"][r] = NO_TIME
    waits = rules.suspending[status] & (columns["due"][g] != NO_TIME)
    w = g[waits]
    columns["waits_from"][w] = at[waits]
    columns["first_wait"][w] = np.minimum(columns["first_wait"][w], at[waits])

    implies = rules.implying[status] & (columns["implied"][g] == NO_TIME)
    columns["implied"][g[implies]] = at[implies]
    ends = rules.finished[status] & (columns["seen"][g] & rules.ends_unless[status] == 0)
    columns["ended"][g[ends]] = at[ends]
    columns["seen"][g] |= np.left_shift(1, status).astype(np.uint16)
    columns["current"][g] = status
    columns["current_at"][g] = at
