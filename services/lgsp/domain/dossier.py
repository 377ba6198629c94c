"""The dossier as a join: a grow-only set of transitions and last-writer registers.

`merge` is commutative, associative and idempotent over events: any order, duplication or
re-batching of the same events gives an equal Dossier, bit for bit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.statements import in_force, is_history
from lgsp.domain.status import WITHOUT_EFFECT, Status, StatusSemantics, Verdict
from lgsp.domain.transition import Transition, is_later, overrules, transition_of

ATTRIBUTES = (
    "portal",
    "province",
    "agency",
    "procedure",
    "domain",
    "service_level",
    "channel",
    "source_status",
    "submitted_at",
    "received_at",
    "due_at",
    "finished_at",
    "returned_at",
    "sealed",
    "national_code",
)
MOST_TRANSITIONS = 10_000
"""Of one dossier: a hundred times what a long-lived one has. The order of the log says which ones
are kept, so every reader of the log keeps the same."""
MOST_PORTALS = 64
"""That state one dossier."""
_values_of = attrgetter(*ATTRIBUTES)
_SEALED = ATTRIBUTES.index("sealed")
# What "not known" is, of each attribute; 0 and b"" are no date and no data either.
_NOTHING = (*[""] * 5, ServiceLevel.UNKNOWN, Channel.UNKNOWN, "", *[None] * 6, "")


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything known of one dossier; times are ms UTC, None and "" mean "not known".

    `written[i]` is the transition that wrote the i-th of ATTRIBUTES, None when nothing did. A
    register keeps the value of the latest statement; an event that does not know an attribute
    never overwrites it.
    """

    code: str
    transitions: tuple[Transition, ...]
    written: tuple[Transition | None, ...]
    portal: str
    province: str
    agency: str
    procedure: str
    domain: str
    service_level: ServiceLevel
    channel: Channel
    source_status: str
    submitted_at: int | None
    received_at: int | None
    due_at: int | None
    finished_at: int | None
    returned_at: int | None
    sealed: bytes | None
    national_code: str


def merge(dossier: Dossier | None, event: DossierEvent) -> Dossier:
    """Join one event into the dossier (None: the first seen); the same object if known.

    The caller passes events of one dossier only; `event.event_id` must be filled in.

    Raises:
        RejectedRecord: the event is new, and the dossier has as many transitions, or portals, as
            one may have.
    """
    new = transition_of(event)
    if dossier is None:
        values: list[Any] = [
            value or nothing for value, nothing in zip(_values_of(event), _NOTHING, strict=True)
        ]
        written = tuple([new if value else None for value in values])
        return Dossier(event.dossier_code, (new,), written, *values)
    transitions = dossier.transitions
    is_last = is_later(new, transitions[-1])
    if not is_last and new in transitions:
        return _reseal(dossier, new, event.sealed)
    if len(transitions) >= MOST_PORTALS:  # fewer have no more portals
        _check_room(dossier, new)
    if is_last:
        transitions = (*transitions, new)
    else:
        place = next(i for i, known in enumerate(transitions) if is_later(known, new))
        transitions = (*transitions[:place], new, *transitions[place:])
    # In the usual order nothing need be compared: what was stated last writes all that it knows.
    is_newest = is_last and new.stated >= max([t.stated for t in dossier.transitions])
    values_list = list(_values_of(dossier))
    written_list = list(dossier.written)
    for i, value in enumerate(_values_of(event)):
        if value:
            writer = written_list[i]
            if writer is None or is_newest or overrules(new, writer):
                values_list[i] = value
                written_list[i] = new
    return Dossier(dossier.code, transitions, tuple(written_list), *values_list)


def _check_room(dossier: Dossier, new: Transition) -> None:
    """Raise RejectedRecord when the dossier cannot take one more, of that portal."""
    field, value = "dossier_code", dossier.code
    if len(dossier.transitions) >= MOST_TRANSITIONS:
        has = f"{MOST_TRANSITIONS:,} transitions, and no more are kept"
    elif new.portal == dossier.transitions[-1].portal:
        return
    elif len(portals := {t.portal for t in dossier.transitions} | {new.portal}) > MOST_PORTALS:
        field, value = "portal", new.portal
        has = f"been stated by {len(portals) - 1} portals, and no more are heard"
    else:
        return
    detail = f"dossier {dossier.code} has {has}: find out which portal states so much, and why"
    raise RejectedRecord(RejectReason.BAD_VALUE, field=field, value=value, detail=detail)


def _reseal(dossier: Dossier, known: Transition, sealed: bytes | None) -> Dossier:
    """Settle a repeated event whose personal data was sealed anew: the greater bytes stay.

    Sealing draws a fresh nonce, so a fact read twice carries different bytes under one id; a rule
    that ignores the order of arrival keeps the join commutative.
    """
    writer = dossier.written[_SEALED]
    if not sealed:
        return dossier
    if writer is not None and writer != known and overrules(writer, known):
        return dossier
    if writer == known and sealed <= (dossier.sealed or b""):
        return dossier
    values = list(_values_of(dossier))
    written = list(dossier.written)
    values[_SEALED], written[_SEALED] = sealed, known
    return Dossier(dossier.code, dossier.transitions, tuple(written), *values)


def merge_all(events: Iterable[DossierEvent]) -> dict[str, Dossier]:
    """Fold a set of events into its dossiers, by code."""
    dossiers: dict[str, Dossier] = {}
    for event in events:
        dossiers[event.dossier_code] = merge(dossiers.get(event.dossier_code), event)
    return dossiers


class JudgedTransition(NamedTuple):
    """A transition, and what the profile says of it: `before` was the status in effect till then.

    `before` is UNKNOWN while no transition has taken effect.
    """

    transition: Transition
    verdict: Verdict
    before: Status

    @property
    def effective(self) -> bool:
        """Whether the transition changes the dossier's status."""
        return self.verdict not in WITHOUT_EFFECT


def judge_transitions(
    transitions: Sequence[Transition], statuses: StatusSemantics
) -> list[JudgedTransition]:
    """Judge every transition of a dossier, in their order.

    The first one in force whose status is mapped always takes effect. What would open a closed
    dossier again must be a later word of its source than all in which it said that it is closed.
    """
    standing = in_force(transitions)
    ids = {t.event_id for t in standing}
    closes = statuses.closes
    judged: list[JudgedTransition] = []
    taken: list[Transition] = []
    for transition in transitions:
        current = taken[-1].status if taken else Status.UNKNOWN
        said = statuses.verdict(current, transition.status, reopens=transition.reopens)
        opens = said is Verdict.REOPENED or (closes[current] and not closes[transition.status])
        if transition.removed:
            said = Verdict.REMOVED
        elif transition.event_id not in ids:
            said = Verdict.REPLACED
        elif said is Verdict.REOPENED and taken[-1].portal != transition.portal:
            said = Verdict.HELD
        elif opens and said not in WITHOUT_EFFECT and is_history(transition, standing, closes):
            said = Verdict.REPLACED
        judged.append(JudgedTransition(transition, said, current))
        if judged[-1].effective:
            taken.append(transition)
    return judged


def effective_transitions(dossier: Dossier, statuses: StatusSemantics) -> list[Transition]:
    """Return the transitions that took effect, in order."""
    takes, closes = statuses.takes, statuses.closes
    taken: list[Transition] = []
    current = Status.UNKNOWN
    standing = in_force(dossier.transitions)
    for transition in standing:
        status, reopens = transition.status, transition.reopens
        if not takes[reopens][current][status]:
            continue
        if closes[current] and (reopens or not closes[status]):
            history = is_history(transition, standing, closes)
            if history and not closes[status]:
                continue
            if history or taken[-1].portal != transition.portal:
                reopens = False
            if not takes[reopens][current][status]:
                continue
        taken.append(transition)
        current = status
    return taken


def current_status(dossier: Dossier, statuses: StatusSemantics) -> Status:
    """Return the status in effect; UNKNOWN while no mapped one was stated."""
    taken = effective_transitions(dossier, statuses)
    return taken[-1].status if taken else Status.UNKNOWN


def last_reopening(taken: list[Transition], statuses: StatusSemantics) -> int | None:
    """Return when the dossier last left an end state by the source's word; None if never."""
    ends = statuses.ends
    at = None
    for before, after in pairwise(taken):
        if after.reopens and ends[before.status] and not ends[after.status]:
            at = after.occurred_at
    return at


def known_at(dossier: Dossier, at: int) -> Dossier | None:
    """Return the dossier as its events up to the instant `at` state it; None when none did.

    Registers written later keep their value, because the earlier one is not held; a finishing,
    returning or reception time after `at` is taken away.
    """
    taken = tuple(t for t in dossier.transitions if t.occurred_at <= at)
    if not taken:
        return None
    values: list[Any] = [
        None
        if name in {"received_at", "finished_at", "returned_at"}
        and value is not None
        and value > at
        else value
        for name, value in zip(ATTRIBUTES, _values_of(dossier), strict=True)
    ]
    return Dossier(dossier.code, taken, dossier.written, *values)
