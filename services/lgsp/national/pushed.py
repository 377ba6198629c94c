"""What became of one push, and how it is said of steps and fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lgsp.domain.status import Status
from lgsp.national.acknowledged import (
    Acknowledged,
    cut_off,
    differences,
    shown_otherwise,
    steps_in,
)
from lgsp.national.outcomes import Refused
from lgsp.national.planner import Draft
from lgsp.national.wire import NationalRecord

_SHOWN = 3  # steps named in a reason


class PushResult(StrEnum):
    """What the dispatcher has to do with the dossier: a closed set, also a metric label."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    RETRY = "retry"
    REFUSED = "refused"
    HELD = "held"
    ABANDONED = "abandoned"  # the partition went to another worker: write nothing


DONE = frozenset({PushResult.CREATED, PushResult.UPDATED, PushResult.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Result of one conversation; `wait` is the portal's advice in seconds.

    `newest_at` is the time of the newest event covered, ms UTC. `in_doubt`: nothing is left to
    send, but the portal may lack what `reason` says. `certain`: the portal holds what
    `acknowledged` says, so the next attempt need not look it up. `throttled`: it takes no more
    calls now, of whatever dossier.
    """

    result: PushResult
    acknowledged: Acknowledged
    status: Status
    newest_at: int
    steps: int = 0
    error_code: str = ""
    reason: str = ""
    wait: float | None = None
    in_doubt: bool = False
    certain: bool = False
    throttled: bool = False


class NotOursError(Exception):
    """Another worker has the partition."""


class RefusedError(Exception):
    """The portal refuses the dossier, or a part of it, and nothing of ours can help."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused


def name_steps(keys: Iterable[str]) -> str:
    """Name steps by status and time as on the wire, the first few."""
    in_order = sorted(keys)
    named = [f"step {status} of {at}" for at, _, status in (k.partition(":") for k in in_order)]
    more = len(named) - _SHOWN
    return ", ".join(named[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def doubt_of(known: Acknowledged) -> str:
    """Say which steps the portal may lack though they are not sent again, "" for none."""
    if not known.doubted:
        return ""
    steps = name_steps(known.doubted)
    return f"the portal may lack {steps}: the answer was lost, and no look-up tells of it"


def refusal_of_steps(refused: Mapping[str, Refused]) -> Refused:
    """Return the refusal of a dossier of which only some steps were refused, by key."""
    reasons: dict[str, list[str]] = {}
    for key, each in refused.items():
        reasons.setdefault(each.message, []).append(key)
    said = "; ".join(f"{name_steps(keys)}: {reason}" for reason, keys in reasons.items())
    return Refused(next(iter(refused.values())).code, said)


def not_kept(wanted: Draft, known: Acknowledged, found: NationalRecord | None) -> str:
    """Name what the portal acknowledged and a look-up does not show, "" for nothing."""
    if found is None:
        return "MaHoSo"
    steps = steps_in(found)
    ours = {step.key for step in wanted.steps} & known.steps
    shown = ours if steps is None else steps | shown_otherwise(known.steps, steps)
    if steps is not None:
        shown |= cut_off(ours, steps)
    lost = name_steps(ours - shown)
    return ", ".join(filter(None, [*differences(wanted.record, found), lost]))
