"""Decides what to send of a dossier: the record, the steps, or nothing and why. Pure.

The record is that of the merged dossier, so it is the newest state whatever the order of the
events: an older one is never sent over it. Statuses are sent as they are; what is not mapped is
held, never guessed, never sent empty. Progress steps are dated history: one that became known late
is sent *before* the record, so the last word of a push is the newest state in any reading.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.codes import is_dossier, is_procedure
from lgsp.domain.dossier import Dossier, effective_transitions
from lgsp.domain.statements import is_removed
from lgsp.domain.status import Status, StatusSemantics
from lgsp.domain.transition import Transition
from lgsp.national.acknowledged import Acknowledged, digest, step_key
from lgsp.national.wire import (
    Names,
    NationalRecord,
    as_filed_there,
    national_code,
    record_of,
    step_of,
)

_CHUNK = 10  # progress steps in one call


class HeldReason(StrEnum):
    """Why a dossier is not sent: a closed set."""

    UNMAPPED_STATUS = "unmapped_status"
    UNMAPPED_PROCEDURE = "unmapped_procedure"
    UNKNOWN_PROCEDURE = "unknown_procedure"  # well-formed, but not in the national catalogue
    SEALED_DATA = "sealed_data"  # the personal data cannot be opened with the keys we have
    DOSSIER_CODE = "dossier_code"  # not of the national form
    REMOVED = "removed"  # the source no longer holds it


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing is sent until an event or an operator changes it."""

    reason: HeldReason


class Step(NamedTuple):
    """A progress step: what makes it the same one, its time (yyyyMMddHHmmss), what is sent."""

    key: str
    at: str
    record: NationalRecord


@dataclass(frozen=True, slots=True)
class Draft:
    """All that the portal should hold of a dossier: its record and its steps in time order."""

    record: NationalRecord
    record_digest: str
    steps: tuple[Step, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, in this order: `late` steps, the record if it `changed`, `steps`."""

    changed: bool
    late: tuple[Step, ...]
    steps: tuple[Step, ...]

    @property
    def empty(self) -> bool:
        """Whether the portal has it all."""
        return not (self.changed or self.late or self.steps)


def held(dossier: Dossier, statuses: StatusSemantics) -> Held | None:
    """Tell why the dossier cannot be sent, as far as that is known without the catalogue."""
    if not is_dossier(national_code(dossier)):
        return Held(HeldReason.DOSSIER_CODE)
    if is_removed(dossier.transitions):
        return Held(HeldReason.REMOVED)
    if not effective_transitions(dossier, statuses):
        return Held(HeldReason.UNMAPPED_STATUS)
    if not is_procedure(dossier.procedure):
        return Held(HeldReason.UNMAPPED_PROCEDURE)
    return None


def draft(
    dossier: Dossier,
    statuses: StatusSemantics,
    names: Names | None,
    person: Mapping[str, str] | None = None,
    *,
    place: str = "",
    found: NationalRecord | None = None,
) -> Draft | Held:
    """Write what the portal should hold.

    Args:
        dossier: the merged dossier.
        statuses: which of its transitions take effect, and what they mean.
        names: the catalogue's names of its procedure; None: the catalogue does not know it.
        person: opened personal fields (owner_name, owner_id, owner_kind, phone, email).
        place: where it was filed by the portal's word, "" when it was not asked.
        found: what a look-up gave, None when nothing was looked up.
    """
    if stop := held(dossier, statuses):
        return stop
    if names is None:
        return Held(HeldReason.UNKNOWN_PROCEDURE)
    taken = effective_transitions(dossier, statuses)
    record = record_of(dossier, taken, statuses, names, person or {}, place)
    record = as_filed_there(record, found)
    steps: dict[str, Step] = {}
    for transition in _changes(taken):
        step = step_of(dossier, transition)
        at, status = step["ThoiDiemXuLy"], step["TrangThai"]
        key = step_key(at, status)
        steps.setdefault(key, Step(key, at, step))
    return Draft(record, digest(record), tuple(steps.values()), taken[-1].status)


def plan(
    wanted: Draft,
    acknowledged: Acknowledged,
    refused: Collection[str] = (),
    *,
    in_turn: bool = False,
) -> Plan:
    """Plan what is still to be sent, given what the portal is known to hold.

    Args:
        wanted: what it should hold.
        acknowledged: what it holds.
        refused: keys of steps that it has refused by themselves.
        in_turn: it demands the earlier steps before a record of a later status.
    """
    if not acknowledged.exists:
        return Plan(True, (), wanted.steps)
    unsent = [s for s in wanted.steps if s.key not in acknowledged.sent and s.key not in refused]
    changed = acknowledged.record != wanted.record_digest
    newest = acknowledged.newest_step
    last = wanted.steps[-1]
    first = [s for s in unsent if s.at < newest or (in_turn and changed and s is not last)]
    return Plan(changed, tuple(first), tuple(step for step in unsent if step not in first))


def next_call(steps: tuple[Step, ...], alone: Collection[str]) -> tuple[Step, ...]:
    """Return the steps of the next call: ten at most, or one whose key is to go `alone`."""
    first = next((i for i, step in enumerate(steps) if step.key in alone), len(steps))
    return steps[: min(max(1, first), _CHUNK)]


def _changes(taken: list[Transition]) -> list[Transition]:
    """Return the steps that changed the status: repeats in a row are one step, the first."""
    return [t for i, t in enumerate(taken) if i == 0 or taken[i - 1].status is not t.status]
