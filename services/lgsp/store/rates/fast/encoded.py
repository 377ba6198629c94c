"""Rows of stored dossiers: what the fast fold holds of a dossier, found from its bytes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsp.store.rates.fast.calendar import FastCalendar
from lgsp.store.rates.fast.rows import DATE_OF, HEAD, TRANSITION, Rows, Texts, empty_rows
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fast.standing import evaluate, set_counted
from lgsp.store.rates.fast.transitions import Transitions, follow
from lgsp.store.rates.layout import DATED, NO_TIME, REMOVED, REOPENS, STATUS, decode

Ints = npt.NDArray[np.int64]


def rows_of_encoded(
    encoded: Sequence[bytes],
    partitions: Any,
    texts: Texts,
    rules: Rules,
    calendar: FastCalendar,
    now: int,
) -> tuple[Rows, Ints]:
    """Return the dossiers' rows as they stand at `now`, and when each turns overdue (or NO_TIME).

    Args:
        encoded: as lgsp.store.rates.layout.encode writes them.
        partitions: of each dossier.
        texts: numbers the texts.
        rules: the profile.
        calendar: working days.
        now: ms UTC.
    """
    head = np.frombuffer(b"".join([one[: HEAD.itemsize] for one in encoded]), HEAD)
    rows = empty_rows(len(encoded))
    rows["partition"] = partitions
    raw_transitions: list[bytes] = []
    for i, (one, lengths, sealed) in enumerate(
        zip(encoded, head["lengths"].tolist(), head["sealed"].tolist(), strict=True)
    ):
        ends = np.cumsum([HEAD.itemsize, *lengths]).tolist()
        rows["texts"][i] = [texts.id_of(one[a:b]) for a, b in pairwise(ends[:-1])]
        raw_transitions.append(one[ends[-1] + sealed :])
    transition = np.frombuffer(b"".join(raw_transitions), TRANSITION)
    sizes = head["count"].astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    flags = transition["flags"].astype(np.int64)
    follow(
        rows,
        Transitions(transition["at"], transition["due"], flags & STATUS, starts, sizes),
        rules,
        calendar,
    )
    for name in ("count", "written", "times", "level", "channel"):
        rows[name] = head[name]
    last = transition[starts + sizes - 1]
    for name in ("at", "sequence", "id"):
        rows["last"][name] = last[name]
    stated = transition["stated"]
    rows["stated"] = stated[starts + sizes - 1]
    dates = np.repeat(head["times"], sizes, axis=0)[np.arange(len(flags)), DATE_OF[flags & STATUS]]
    unusual = (flags & (REOPENS | REMOVED) != 0) | (
        (flags & DATED != 0) & (dates != transition["at"])
    )
    back = np.zeros(len(stated), np.bool_)
    back[1:] = stated[1:] < stated[:-1]
    back[starts] = False
    several = head["lengths"][:, -1] > 0
    rows["odd"] |= np.logical_or.reduceat(unusual | back, starts) | several | (head["sealed"] > 0)
    wakes, odd = evaluate(rows, rules, calendar, now)
    for i in np.flatnonzero(odd).tolist():
        dossier = decode("", encoded[i])
        found = rules.profile.standing(dossier, calendar.plain, now)
        set_counted(rows, i, rules, found, dossier.channel)
        wakes[i] = NO_TIME if found.turns_at is None else found.turns_at
    return rows, wakes
