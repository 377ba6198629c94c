"""Where many dossiers stand, and what they add to the cells.

The rules are `by_deadline` (domain/standing.py) and `day_counts`, vectorised. A dossier
whose waits are unclear from what is held (they overlap its reception, its finishing or the
future) is left to them.
"""

import numpy as np
import numpy.typing as npt

from lgsp.domain.event import Channel
from lgsp.domain.standing import Standing
from lgsp.domain.working_time import DAY_MS, OFFSET_MS
from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.rows import Rows
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fast.transitions import DUE
from lgsp.store.rates.layout import NO_TIME, TIMES

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_RECEIVED, _FINISHED_AT = TIMES.index("received_at"), TIMES.index("finished_at")


def evaluate(rows: Rows, rules: Rules, calendar: FastCalendar, now: int) -> tuple[Ints, Flags]:
    """Set in place what each dossier adds to the cells at `now`.

    Returns:
        When each turns overdue if nothing happens (NO_TIME: never), and which rows are
        unclear: nothing of meaning is set in those.
    """
    current = rows["current"]
    refused = rules.refused[current]
    withdrawn = rules.withdrawn[current] & ~refused
    stated = rows["times"][:, _RECEIVED]
    received = np.where(stated != NO_TIME, stated, rows["implied"])
    received[rows["seen"] & ~rules.only_not_received == 0] = NO_TIME
    finished = rules.finished[current] & (received != NO_TIME) & ~refused & ~withdrawn
    is_received = (received != NO_TIME) & ~refused
    is_open = is_received & ~finished & ~withdrawn
    closed = np.where(
        rows["times"][:, _FINISHED_AT] != NO_TIME, rows["times"][:, _FINISHED_AT], rows["ended"]
    )
    closed[refused | withdrawn] = rows["current_at"][refused | withdrawn]

    deadline, odd = _deadlines(rows, calendar, received, np.where(finished, closed, now))
    odd &= is_open | finished
    odd |= rows["odd"]
    has_deadline = deadline != NO_TIME
    overdue = is_open & has_deadline & (now > deadline)
    suspended = is_open & rules.suspending[current]

    rows["received_measure"] = np.where(is_received, rules.received_by[rows["channel"]], -1)
    rows["received_day"] = np.where(is_received, _days(received), 0)
    rows["open"], rows["overdue"], rows["suspended"] = is_open, overdue, suspended
    is_closed = finished | refused | withdrawn
    resolved = np.select(
        [~has_deadline, closed > deadline, _days(closed) < _days(deadline)],
        [rules.measure[f"resolved_{name}"] for name in ("without_deadline", "late", "early")],
        rules.measure["resolved_on_time"],
    )
    resolved[refused] = rules.measure["refused"]
    resolved[withdrawn] = rules.measure["withdrawn"]
    rows["closed_measure"] = np.where(is_closed, resolved, -1)
    rows["closed_day"] = np.where(is_closed, _days(closed), 0)
    turns = is_open & has_deadline & ~overdue & ~suspended
    return np.where(turns, deadline + 1, NO_TIME), odd


def _deadlines(
    rows: Rows, calendar: FastCalendar, received: Ints, until: Ints
) -> tuple[Ints, Flags]:
    """Return the due dates extended by the waits up to `until`, and which are unclear."""
    deadline = rows["times"][:, DUE].copy()
    waiting = rows["waits_from"] != NO_TIME
    some = np.flatnonzero((deadline != NO_TIME) & ((rows["waited"] > 0) | waiting))
    odd = np.zeros(len(rows), np.bool_)
    if not some.size:
        return deadline, odd
    end = until[some]
    begun = rows["waits_from"][some]
    going_on = waiting[some] & (begun < end)
    odd[some] = (
        (received[some] > rows["first_wait"][some])
        | (rows["last_wait"][some] > end)
        | (going_on & ~calendar.covers(end))
    )
    some, going_on = some[~odd[some]], going_on[~odd[some]]
    waited = rows["waited"][some].copy()
    g = some[going_on]
    waited[going_on] += calendar.worked_until(until[g]) - calendar.worked_until(
        rows["waits_from"][g]
    )
    some, waited = some[waited > 0], waited[waited > 0]
    deadline[some], known = calendar.add_working_ms(deadline[some], waited)
    odd[some] = ~known
    return deadline, odd


def set_counted(rows: Rows, i: int, rules: Rules, found: Standing, channel: Channel) -> None:
    """Set in row `i` what a dossier that stands so adds to the cells."""
    row = rows[i]
    row["received_measure"] = row["closed_measure"] = -1
    row["received_day"] = row["closed_day"] = 0
    row["open"] = row["overdue"] = row["suspended"] = False
    columns = {measure: column for column, measure in rules.flagged.items()}
    for day, measure in rules.profile.measures.day_counts(found, channel):
        if measure in columns:
            row[columns[measure]] = True
        elif measure in rules.received_by:
            row["received_measure"], row["received_day"] = measure, day
        else:
            row["closed_measure"], row["closed_day"] = measure, day


def counted_days(rows: Rows, rules: Rules) -> tuple[Ints, Ints, Ints]:
    """List what the dossiers add to the cells: row, day and measure of each unit."""
    received = np.flatnonzero(rows["received_measure"] >= 0)
    closed = np.flatnonzero(rows["closed_measure"] >= 0)
    flagged = [np.flatnonzero(rows[column]) for column in rules.flagged]
    of_reception = [received, *flagged]
    measures = [
        rows["received_measure"][received].astype(np.int64),
        *[
            np.full(len(found), measure)
            for found, measure in zip(flagged, rules.flagged.values(), strict=True)
        ],
        rows["closed_measure"][closed].astype(np.int64),
    ]
    index = np.concatenate([*of_reception, closed])
    days = np.concatenate(
        [*[rows["received_day"][found] for found in of_reception], rows["closed_day"][closed]]
    )
    return index, days.astype(np.int64), np.concatenate(measures)


def _days(at: Ints) -> Ints:
    days: Ints = np.floor_divide(at + OFFSET_MS, DAY_MS)
    return days
