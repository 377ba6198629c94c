"""Decides what to send of a dossier: the record, the steps, or nothing and why. Pure.

The record is that of the merged dossier, so it is the newest state whatever the order of the
events: an older one is never sent over it. Statuses are sent as they are; what is not mapped is
held, never guessed, never sent empty. Progress steps are dated history: one that became known late
is sent *before* the record, so the last word of a push is the newest state in any reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.codes import is_dossier, is_procedure
from lgsp.domain.dossier import Dossier, effective_transitions
from lgsp.domain.statements import is_removed
from lgsp.domain.status import Status, StatusSemantics
from lgsp.domain.transition import Transition
from lgsp.national.acknowledged import Acknowledged, digest, step_key
from lgsp.national.wire import Names, NationalRecord, national_code, record_of, step_of

CHUNK = 10  # progress steps in one call


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
    late: tuple[NationalRecord, ...]
    steps: tuple[NationalRecord, ...]

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
) -> Draft | Held:
    """Write what the portal should hold.

    Args:
        dossier: the merged dossier.
        statuses: which of its transitions take effect, and what they mean.
        names: the catalogue's names of its procedure; None: the catalogue does not know it.
        person: opened personal fields (owner_name, owner_id, owner_kind, phone, email).
    """
    if found := held(dossier, statuses):
        return found
    if names is None:
        return Held(HeldReason.UNKNOWN_PROCEDURE)
    taken = effective_transitions(dossier, statuses)
    record = record_of(dossier, taken, statuses, names, person or {})
    steps: dict[str, Step] = {}
    for transition in _changes(taken):
        step = step_of(dossier, transition)
        at, status = step["ThoiDiemXuLy"], step["TrangThai"]
        key = step_key(at, status)
        steps.setdefault(key, Step(key, at, step))
    return Draft(record, digest(record), tuple(steps.values()), taken[-1].status)


def plan(wanted: Draft, acknowledged: Acknowledged) -> Plan:
    """Plan what is still to be sent, given what the portal is known to hold."""
    unsent = [step for step in wanted.steps if step.key not in acknowledged.steps]
    newest = acknowledged.newest_step
    return Plan(
        changed=acknowledged.record != wanted.record_digest,
        late=tuple(step.record for step in unsent if step.at < newest),
        steps=tuple(step.record for step in unsent if step.at >= newest),
    )


def _changes(taken: list[Transition]) -> list[Transition]:
    """Return the steps that changed the status: repeats in a row are one step, the first."""
    return [t for i, t in enumerate(taken) if i == 0 or taken[i - 1].status is not t.status]
