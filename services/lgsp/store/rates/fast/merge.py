"""Joins new transitions into many dossiers at once: the usual case of domain/dossier.py `merge`.

Usual: every new transition is greater than the dossier's last one and was stated later, by the
same source, which reopens and removes nothing and gives each date alike. So nothing is history:
what would open a closed dossier again was always stated later. All others are marked, and joined
one by one by the domain.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lgsp.domain.dossier import ATTRIBUTES, MOST_TRANSITIONS
from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.rows import DATE_OF, TRANSITION, Rows
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fast.transitions import Transitions, follow
from lgsp.store.rates.layout import NO_TIME, REMOVED, REOPENS, STATUS, TEXTS, TIMES

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_PORTAL = TEXTS.index("portal")
_OF_STATUSES = sorted({int(column) for column in DATE_OF if column >= 0})
_NOTHING = dict.fromkeys(TIMES, NO_TIME)


class Events(NamedTuple):
    """Events of one batch in columns, as decoded; `row` is the record's place in the batch.

    `transition` holds the transitions, `times` (n, 5) and `texts` (n, 6) the registers in the
    order of the layout, `level` and `channel` their codes; 0 and NO_TIME where not known.
    """

    row: Ints
    transition: npt.NDArray[np.void]
    texts: npt.NDArray[np.int32]
    level: Ints
    channel: Ints
    times: Ints

    def take(self, index: Ints) -> "Events":
        """Return the events at the index, in its order."""
        columns: Any = [column.take(index, axis=0) for column in self]
        return Events(*columns)


class Groups(NamedTuple):
    """Events in order, by dossier: those of group g are at starts[g], sizes[g] long."""

    events: Events
    slots: Ints
    starts: Ints
    sizes: Ints


def group(events: Events, slots: Ints) -> tuple[Groups, Flags]:
    """Order the events by dossier and transition, drop repeated ones.

    Returns:
        The groups, and which of them have events of equal order that are not the same.
    """
    order = np.argsort(slots, kind="stable")
    ordered, slots = events.take(order), slots[order]
    tie = _ties(ordered.transition, slots)
    if tie.size:
        ids = ordered.transition["id"].astype(np.uint64)
        at, sequence = ordered.transition["at"], ordered.transition["sequence"]
        ordered = ordered.take(np.lexsort((ids[:, 1], ids[:, 0], sequence, at, slots)))
        tie = _ties(ordered.transition, slots)
    clash = np.zeros(len(slots), np.bool_)
    if tie.size:
        equal = ordered.transition[tie] == ordered.transition[tie + 1]
        clash[tie[~equal] + 1] = True
        kept = np.delete(np.arange(len(slots)), tie[equal] + 1)
        ordered, slots, clash = ordered.take(kept), slots[kept], clash[kept]
    starts = np.flatnonzero(np.concatenate(([True], ~_same(slots)))) if len(slots) else order
    sizes = np.diff(np.append(starts, len(slots)))
    odd = np.maximum.reduceat(clash, starts) if len(slots) else clash
    return Groups(ordered, slots[starts], starts, sizes), odd


def join(rows: Rows, groups: Groups, rules: Rules, calendar: FastCalendar) -> Flags:
    """Join each group into its row, in place; return which are not the usual case.

    Nothing of meaning is in the rows that are not.
    """
    events, starts, sizes = groups.events, groups.starts, groups.sizes
    if not len(rows):
        return np.zeros(0, np.bool_)
    first = events.transition.take(starts)
    flags = events.transition["flags"].astype(np.int64)
    odd = np.logical_or.reduceat(flags & (REOPENS | REMOVED) != 0, starts)
    known = rows["count"] > 0
    odd |= known & (~_greater(first, rows["last"]) | (first["stated"] < rows["stated"]))
    odd |= rows["count"] + sizes > MOST_TRANSITIONS
    odd |= _restated(rows, groups, known)

    status = flags & STATUS
    transitions = Transitions(
        events.transition["at"], events.transition["due"], status, starts, sizes
    )
    follow(rows, transitions, rules, calendar)
    _write_registers(rows, groups)
    rows["count"] += sizes.astype(np.uint16)
    last = events.transition.take(starts + sizes - 1)
    for name in ("at", "sequence", "id"):
        rows["last"][name] = last[name]
    rows["stated"] = last["stated"]
    return np.asarray(odd | rows["odd"], np.bool_)


def _restated(rows: Rows, groups: Groups, known: Flags) -> Flags:
    """Tell which groups are not one source's word after word, each date stated alike."""
    events, starts, sizes = groups.events, groups.starts, groups.sizes
    stated = events.transition["stated"]
    back = np.zeros(len(stated), np.bool_)
    back[1:] = stated[1:] < stated[:-1]
    back[starts] = False
    portal = np.where(known, rows["texts"][:, _PORTAL], events.texts[starts, _PORTAL])
    unusual = back | (events.texts[:, _PORTAL] != np.repeat(portal, sizes))
    for column in _OF_STATUSES:
        date = events.times[:, column]
        before = rows["times"][:, column]
        first = np.maximum.reduceat(date, starts)  # NO_TIME is the least
        usual = np.where(known & (before != NO_TIME), before, first)
        unusual |= (date != NO_TIME) & (date != np.repeat(usual, sizes))
    return np.asarray(np.logical_or.reduceat(unusual, starts), np.bool_)


def _write_registers(rows: Rows, groups: Groups) -> None:
    """Let the last event that knows an attribute write it."""
    events, starts = groups.events, groups.starts
    names = {name: events.texts[:, i] for i, name in enumerate(TEXTS)}
    columns: dict[str, Any] = {**names, "service_level": events.level, "channel": events.channel}
    columns |= {name: events.times[:, i] for i, name in enumerate(TIMES)}
    targets: dict[str, Any] = {name: rows["texts"][:, i] for i, name in enumerate(TEXTS)}
    targets |= {"service_level": rows["level"], "channel": rows["channel"]}
    targets |= {name: rows["times"][:, i] for i, name in enumerate(TIMES)}
    places = np.arange(len(events.row))
    before = rows["count"] - starts
    for name, column in columns.items():
        known = column != _NOTHING.get(name, 0)
        if known.any():
            writer = np.maximum.reduceat(np.where(known, places, -1), starts)
            g = np.flatnonzero(writer >= 0)
            w = writer[g]
            targets[name][g] = column[w]
            rows["written"][g, ATTRIBUTES.index(name)] = before[g] + w


def encoded_transitions(groups: Groups, index: Ints) -> list[bytes]:
    """Return the transitions of the groups at the index as the layout holds them."""
    raw = groups.events.transition.tobytes()
    begin = groups.starts[index] * TRANSITION.itemsize
    end = begin + groups.sizes[index] * TRANSITION.itemsize
    return [raw[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]


def _same(slots: Ints) -> Flags:
    same: Flags = slots[1:] == slots[:-1]
    return same


def _ties(transition: npt.NDArray[np.void], slots: Ints) -> Ints:
    """Return the places whose next one is of the same dossier and not greater."""
    return np.flatnonzero(_same(slots) & ~_greater(transition[1:], transition[:-1]))


def _greater(new: npt.NDArray[np.void], old: npt.NDArray[np.void]) -> Flags:
    """Compare by (at, sequence, id)."""
    greater = np.zeros(len(new), np.bool_)
    equal = np.ones(len(new), np.bool_)
    columns = [(new[name], old[name]) for name in ("at", "sequence")]
    columns += [(new["id"][:, i], old["id"][:, i]) for i in (0, 1)]
    for ours, theirs in columns:
        greater |= equal & (ours > theirs)
        equal &= ours == theirs
    return greater
