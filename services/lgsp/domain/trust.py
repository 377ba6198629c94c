"""How far a figure can be trusted: the age of each source, the backlog, the denominators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.period import show_instant

_MINUTE = 60_000
SILENT_AFTER = 15 * _MINUTE
DOWN_AFTER = 24 * 60 * _MINUTE


class Trust(StrEnum):
    """The label of a figure: đủ tin, tạm tính, chưa đủ dữ liệu."""

    FULL = "full"
    PROVISIONAL = "provisional"
    INSUFFICIENT = "insufficient"


class Liveness(StrEnum):
    """How lately a portal was heard of."""

    LIVE = "live"
    SILENT = "silent"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Freshness:
    """A portal's newest event and when we last saw one (ms UTC), judged at an instant."""

    portal: str
    last_event_at: int
    last_seen_at: int
    liveness: Liveness

    def document(self) -> dict[str, str | None]:
        """Return it as published."""
        return {
            "portal": self.portal,
            "last_event_at": show_instant(self.last_event_at),
            "last_seen_at": show_instant(self.last_seen_at),
            "state": self.liveness.value,
        }


def freshness(
    portal: str,
    last_event_at: int,
    last_seen_at: int,
    now: int,
    *,
    silent_after: int = SILENT_AFTER,
    down_after: int = DOWN_AFTER,
) -> Freshness:
    """Judge a portal at `now`: down when unheard of for `down_after` ms, silent likewise."""
    age = now - last_seen_at
    if age > down_after:
        liveness = Liveness.DOWN
    elif age > silent_after:
        liveness = Liveness.SILENT
    else:
        liveness = Liveness.LIVE
    return Freshness(portal, last_event_at, last_seen_at, liveness)


class SourceProblem(NamedTuple):
    """What a portal's connector knows to be missing or unsure; `code` is of a closed set."""

    portal: str
    code: str
    detail: str


class StoreProblem(NamedTuple):
    """Why store and log do not belong together; `code` is of a closed set (store/identity.py)."""

    code: str
    detail: str


def judge(
    portals: Sequence[Freshness],
    denominators: Mapping[str, int],
    *,
    until: int,
    backlog: int | None,
    unturned: int = 0,
    problems: Sequence[SourceProblem] = (),
    store_problems: Sequence[StoreProblem] = (),
) -> tuple[Trust, tuple[str, ...]]:
    """Give the label and the reasons for anything less than full trust.

    A portal that is silent now does no harm to a period that ended before it was last heard of.

    Args:
        portals: every portal seen.
        denominators: denominator of each rate.
        until: the instant up to which the figures speak (ms UTC): the end of the period or
            the as-of time, whichever is earlier.
        backlog: events on the log not counted yet, None when not known.
        unturned: open dossiers whose deadline has passed and that are not counted overdue yet.
        problems: what the connectors know to be missing or unsure.
        store_problems: why the figures may be of another log or of a store set back.
    """
    reasons = [
        f"portal {p.portal} is {p.liveness}: last heard of at {show_instant(p.last_seen_at)}"
        for p in portals
        if p.liveness is not Liveness.LIVE and p.last_seen_at < until
    ]
    reasons.extend(f"portal {p.portal}: {p.detail}" for p in problems)
    reasons.extend(p.detail for p in store_problems)
    if backlog is None and not store_problems:
        reasons.append("the log does not answer: events on it may not be counted yet")
    elif backlog:
        reasons.append(f"{backlog} events on the log are not counted yet")
    if unturned:
        reasons.append(
            f"{unturned} dossiers passed their deadline and are not counted overdue yet"
        )
    empty = [name for name, denominator in denominators.items() if denominator == 0]
    reasons.extend(f"{name}: the denominator is 0" for name in empty)
    if len(empty) == len(denominators):
        return Trust.INSUFFICIENT, tuple(reasons)
    return (Trust.PROVISIONAL if reasons else Trust.FULL), tuple(reasons)
