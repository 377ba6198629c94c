"""What we hold: a dossier of the sync's queue with its standing, its queue state and pushes."""

from typing import NamedTuple

from lgsp.domain.dossier import Dossier, current_status, effective_transitions, known_at
from lgsp.domain.errors import FatalError
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.reconciliation.held import Here, SyncState
from lgsp.domain.reconciliation.lateness import is_late, received_late, reception_deadline
from lgsp.domain.reconciliation.sides import SECOND_MS, SeenStep, Side
from lgsp.domain.standing import Standing, State
from lgsp.domain.statements import is_removed
from lgsp.domain.working_time import Calendar, CalendarRangeError
from lgsp.national.acknowledged import decode as decode_acknowledged
from lgsp.national.planner import Held, HeldReason, draft
from lgsp.national.wire import Names, national_code
from lgsp.reconciliation.national_sides import side_of, step_of_key
from lgsp.reconciliation.pushes import Pushes
from lgsp.runtime.personal import mask
from lgsp.store.rates.layout import decode
from lgsp.store.sync.reading import QueueRow

_NO_NAMES = Names("", "", "")  # no date, status or step depends on them
_UNMAPPED = frozenset(
    {
        HeldReason.UNMAPPED_STATUS,
        HeldReason.UNMAPPED_PROCEDURE,
        HeldReason.UNKNOWN_PROCEDURE,
        HeldReason.DOSSIER_CODE,
    }
)


class KnownDossier(NamedTuple):
    """A dossier that we hold; `row` is as it was read."""

    here: Here
    dossier: Dossier
    row: QueueRow


class Knowing:
    """Reads dossiers of the queue by the rules of one profile, as of one instant.

    Args:
        profile: whose rules say what is late.
        calendar: working days.
        now: ms UTC.
        pushes: who knows what was pushed.
        as_of: read each dossier as its events until then state it, where any does (ms UTC).
    """

    def __init__(
        self,
        profile: Profile,
        calendar: Calendar,
        now: int,
        pushes: Pushes,
        as_of: int | None = None,
    ) -> None:
        self.profile = profile
        self.calendar = calendar
        self.now = now if as_of is None else as_of
        self._pushes = pushes
        self._as_of = as_of

    def know(self, row: QueueRow) -> KnownDossier:
        """Read one dossier.

        Raises:
            FatalError: the row cannot be read.
        """
        try:
            dossier = decode(row.code, row.dossier)
        except (ValueError, IndexError) as error:
            raise FatalError(f"the queue's dossier {row.code} cannot be read: {error}") from error
        if self._as_of is not None:
            dossier = known_at(dossier, self._as_of) or dossier
        return KnownDossier(self.here(row, dossier), dossier, row)

    def here(self, row: QueueRow, dossier: Dossier) -> Here:
        """Say what we hold of a dossier."""
        statuses = self.profile.statuses
        taken = effective_transitions(dossier, statuses)
        status = current_status(dossier, statuses)
        standing = self._standing(dossier)
        wanted = draft(dossier, statuses, _NO_NAMES)
        if isinstance(wanted, Held):
            side, stop = Side(status=status or None), wanted.reason.value
        else:
            steps = [step.record for step in wanted.steps]
            side, stop = side_of(wanted.record, steps, ours=True), ""
        submitted = side.dates.get("submitted_at")
        deadline = reception_deadline(submitted.at if submitted else None, self.calendar)
        known = decode_acknowledged(row.acknowledged)
        pushed = self._pushes.of(row, national_code(dossier), side)
        doubted = _seen(known.doubted)
        reason = stop or row.reason
        return Here(
            code=national_code(dossier),
            unit=dossier.agency,
            procedure=dossier.procedure,
            side=Side(
                status=side.status,
                dates=side.dates,
                steps=side.steps,
                late=is_late(standing),
                received_late=received_late(standing.received_at, deadline, self.now),
            ),
            deadline=standing.deadline,
            reception_deadline=deadline,
            changed_at=taken[-1].occurred_at if taken else None,
            sync=SyncState(row.queue_state),
            reason=mask(reason),
            unmapped=any(reason.startswith(each) for each in _UNMAPPED),
            removed=is_removed(dossier.transitions),
            known_there=known.exists or bool(known.record),
            own_steps=frozenset(side.steps or ()) | _seen(known.steps) | doubted,
            doubted=doubted,
            earlier=frozenset(
                ("due_at", t.due_at // SECOND_MS * SECOND_MS)
                for t in dossier.transitions
                if t.due_at is not None
            ),
            pushes=pushed.pushes,
            all_pushes=pushed.complete,
        )

    def _standing(self, dossier: Dossier) -> Standing:
        try:
            return self.profile.standing(dossier, self.calendar, self.now)
        except CalendarRangeError:
            return Standing(State.UNMAPPED)


def _seen(keys: frozenset[str]) -> frozenset[SeenStep]:
    return frozenset(step for step in map(step_of_key, keys) if step is not None)
