"""The transitions of a dossier as they are listed: each with its verdict and the reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from lgsp.domain.dossier import (
    ATTRIBUTES,
    Dossier,
    JudgedTransition,
    judge_transitions,
)
from lgsp.domain.event import instant_of, statement
from lgsp.domain.period import show_instant
from lgsp.domain.status import Status, StatusSemantics, Verdict
from lgsp.domain.transition import Transition

_REASONS = {
    Verdict.LEGAL: "",
    Verdict.SKIPPED: "steps in between were not observed",
    Verdict.REOPENED: "its portal has opened the dossier again",
    Verdict.UNMAPPED: "the portal's word is mapped to no status",
    Verdict.REPLACED: "its portal said otherwise later",
    Verdict.HELD: "another portal has ended the dossier, and has not opened it again",
    Verdict.REMOVED: "the portal says that it no longer holds the dossier",
}
_WORD = ATTRIBUTES.index("source_status")


def reason_of(judged: JudgedTransition) -> str:
    """Say in words why the transition has its verdict; "" when it simply took effect."""
    status, before = judged.transition.status, judged.before
    if judged.verdict is Verdict.ILLEGAL:
        return f"{status.name} ({status:d}) does not follow {before.name} ({before:d})"
    return _REASONS[judged.verdict]


@dataclass(frozen=True, slots=True)
class ListedTransition:
    """One transition of a list; times are ms UTC.

    `source_status` is the portal's own word for the status. A dossier keeps only the word that was
    stated last: "" for every other transition.
    """

    dossier: str
    agency: str
    procedure: str
    portal: str
    status: Status
    source_status: str
    occurred_at: int
    stated_at: int
    verdict: Verdict
    reason: str

    def document(self) -> dict[str, str | int | None]:
        """Return it as published: codes, words and times only, never a person."""
        return {
            "dossier": self.dossier,
            "agency": self.agency,
            "procedure": self.procedure,
            "portal": self.portal,
            "status": int(self.status),
            "source_status": self.source_status or None,
            "occurred_at": show_instant(self.occurred_at),
            "stated_at": show_instant(self.stated_at),
            "verdict": self.verdict.value,
            "reason": self.reason,
        }


def listed(dossier: Dossier, judged: JudgedTransition) -> ListedTransition:
    """Return a judged transition of the dossier as a list shows it."""
    transition = judged.transition
    return ListedTransition(
        dossier.code,
        dossier.agency,
        dossier.procedure,
        transition.portal,
        transition.status,
        dossier.source_status if dossier.written[_WORD] == transition else "",
        transition.occurred_at,
        instant_of(transition.stated),
        judged.verdict,
        reason_of(judged),
    )


class BareTransition(NamedTuple):
    """What can be read of a transition at a glance: all but its times and its portal."""

    status: Status
    reopens: bool
    removed: bool
    dated: bool


def surely_effective(bare: Iterable[BareTransition], statuses: StatusSemantics) -> bool:
    """Tell whether all transitions in this order took effect, whatever their times and portals.

    False means that it depends on them. The rules are asked about the worst case: each transition
    was stated before the one that it follows, and every date later than it was; each date differs
    from the others of its kind. What only one portal's word could open again counts as not sure.
    """
    course = list(bare)
    worst = [
        Transition(
            occurred_at=at,
            sequence=0,
            event_id=b"%d" % at,
            status=given.status,
            reopens=given.reopens,
            due_at=None,
            stated=statement(len(course) - at, 1),
            dated=given.dated,
            removed=given.removed,
            portal="",
            details=0,
        )
        for at, given in enumerate(course)
    ]
    sure = {Verdict.LEGAL, Verdict.SKIPPED}
    return all(judged.verdict in sure for judged in judge_transitions(worst, statuses))
