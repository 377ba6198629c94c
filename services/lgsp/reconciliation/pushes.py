"""What is known of the pushes of a dossier: by the evidence, or by the sync's queue."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from lgsp.domain.evidence.row import Judged
from lgsp.domain.reconciliation.held import Push, PushedAs
from lgsp.domain.reconciliation.sides import Side
from lgsp.domain.status import Status
from lgsp.national.client import PROGRESS, SAVE
from lgsp.national.phrases import missing_steps
from lgsp.runtime.personal import mask
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store, reading
from lgsp.store.evidence.calls import CallRow, calls_of
from lgsp.store.evidence.opening import has_evidence
from lgsp.store.sync.reading import QueueRow
from lgsp.store.sync.tables import QueueState

_NOT_KEPT = "answered as done and not kept"
_NOT_WORKED_ON = ("HTTP 429", "HTTP 503", "Cannot connect")


class KnownPushes(NamedTuple):
    """The pushes of a dossier, oldest first; `complete`: there were no others."""

    pushes: tuple[Push, ...] = ()
    complete: bool = False


class Pushes(Protocol):
    """Who knows the pushes of a dossier."""

    def of(self, row: QueueRow, code: str, side: Side) -> KnownPushes:
        """Return the pushes that are known.

        Args:
            row: the dossier in the queue.
            code: by which the portal knows it.
            side: what the portal should hold.
        """
        ...


class QueuePushes:
    """The newest push of each dossier, as the sync's queue has it."""

    def of(self, row: QueueRow, code: str, side: Side) -> KnownPushes:
        """Return the newest push; nothing where none was settled yet."""
        result = None if row.updated_at is None else _result_of(row)
        if result is None:
            return KnownPushes()
        newest = Push(
            result=result, at=row.updated_at, status=side.status, message=mask(row.reason)
        )
        return KnownPushes((newest,))


class EvidencePushes:
    """Every push of each dossier, as the evidence has them; the queue's word where it has none.

    Args:
        engine: the store of evidence.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue = QueuePushes()

    def of(self, row: QueueRow, code: str, side: Side) -> KnownPushes:
        """Return all that is kept; it is complete where every step of ours was sent in it."""
        calls: dict[str, CallRow] = {}
        with reading(self._engine) as connection:  # each time anew: pushes go on
            for each in calls_of(connection, code, (SAVE, PROGRESS)):
                asked = calls.get(each.call, each)
                statuses = asked.statuses or each.statuses
                calls[each.call] = each._replace(at=asked.at, statuses=statuses)
        if not calls:
            return self._queue.of(row, code, side)
        pushes = tuple(_push_of(each) for each in calls.values())
        wanted = Counter(step.status for step in side.steps or ())
        sent = Counter(
            status
            for each in calls.values()
            if each.service == PROGRESS
            for status in _statuses(each)
        )
        return KnownPushes(pushes, complete=bool(wanted) and wanted <= sent)


@contextmanager
def known_pushes(settings: Settings) -> Iterator[Pushes]:
    """Give who knows the pushes here: the evidence, or the queue where none is kept yet."""
    engine = open_store(settings.evidence_store, read_only=True)
    try:
        yield EvidencePushes(engine) if has_evidence(engine) else QueuePushes()
    finally:
        engine.dispose()


_JUDGED = {
    Judged.DONE: PushedAs.DONE,
    Judged.IN_PARTS: PushedAs.DONE,
    Judged.NOT_WORKED_ON: PushedAs.FAILED,
    Judged.NOT_SENT: PushedAs.FAILED,
}


def _push_of(call: CallRow) -> Push:
    if call.judged == Judged.REFUSED:
        missing = missing_steps(call.message) is not None
        result = PushedAs.MISSES_STEP if missing else PushedAs.REFUSED
    else:  # a question without an answer is one whose answer was lost
        known = Judged(call.judged) if call.judged in set(Judged) else Judged.UNKNOWN
        result = _JUDGED.get(known, PushedAs.LOST)
    status = next(reversed(_statuses(call)), None)
    return Push(result=result, at=call.at, status=status, message=call.message)


def _statuses(call: CallRow) -> list[Status]:
    texts = [text for text in call.statuses.split(",") if text.isdigit()]
    return [Status(int(text)) for text in texts if int(text) in set(Status)]


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
