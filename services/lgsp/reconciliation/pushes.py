"""What is known of the pushes of a dossier: one small interface; behind it the sync's queue."""

from typing import Protocol

from lgsp.domain.reconciliation.held import Push, PushedAs
from lgsp.domain.status import Status
from lgsp.national.client import PROGRESS, SAVE
from lgsp.national.phrases import missing_steps
from lgsp.runtime.personal import mask
from lgsp.store.sync.reading import QueueRow
from lgsp.store.sync.tables import QueueState

_NOT_KEPT = "answered as done and not kept"
_NOT_WORKED_ON = ("HTTP 429", "HTTP 503", "Cannot connect")


class Pushes(Protocol):
    """Who knows the pushes of a dossier."""

    complete: bool
    """Whether all of them are known, or the newest one only."""

    def of(self, row: QueueRow, status: Status) -> tuple[Push, ...]:
        """Return the pushes that are known, oldest first."""
        ...


class QueuePushes:
    """The newest push of each dossier, as the sync's queue has it."""

    complete = False

    def of(self, row: QueueRow, status: Status) -> tuple[Push, ...]:
        """Return the newest push; nothing where none was settled yet."""
        if row.updated_at is None:
            return ()
        result = _result_of(row)
        if result is None:
            return ()
        return (Push(result=result, at=row.updated_at, status=status, message=mask(row.reason)),)


def _result_of(row: QueueRow) -> PushedAs | None:
    state, reason = row.queue_state, row.reason
    if state == QueueState.CLEAN or reason.startswith(_NOT_KEPT):
        return PushedAs.DONE
    if state == QueueState.HELD:
        return None
    if state == QueueState.IN_DOUBT:
        return PushedAs.LOST
    if state == QueueState.PARKED and not row.attempts:
        refused = missing_steps(reason) is None
        return PushedAs.REFUSED if refused else PushedAs.MISSES_STEP
    if not reason:
        return None
    written = reason.startswith((SAVE, PROGRESS))
    worked_on = not any(each in reason for each in _NOT_WORKED_ON)
    return PushedAs.LOST if written and worked_on else PushedAs.FAILED
