"""What a push leaves behind in the queue: clean, held, parked, or pending again."""

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from lgsp.national import acknowledged
from lgsp.national.freeing import held_for
from lgsp.national.planner import HeldReason
from lgsp.national.pushed import DONE, Pushed, PushResult
from lgsp.national.results import encode_result
from lgsp.national.retries import Retries
from lgsp.national.turns import Taken
from lgsp.store.sync.rows import Settled, Waiting
from lgsp.store.sync.tables import QueueState


class Finished(NamedTuple):
    """A push that has ended; `blamed`: it failed while the portal worked."""

    taken: Taken
    pushed: Pushed
    blamed: bool

    @property
    def unknown_procedure(self) -> str:
        """The procedure for which the dossier is held, because the catalogue lacks it; or ""."""
        kinds, cause = self.taken.kinds, HeldReason.UNKNOWN_PROCEDURE.value
        return kinds[0][1] if kinds and self.pushed.reason == cause else ""


def settlement(finished: Finished, retries: Retries, now: int) -> Settled:
    """Say how a dossier stands in the queue after its push; `now` in ms UTC.

    While nothing at all answers no dossier is to blame: its attempts do not count and its budget
    does not run.
    """
    waiting, pushed = finished.taken.waiting, finished.pushed
    attempts, failing_since, next_attempt_at = 0, None, now
    if pushed.result in DONE and pushed.in_doubt:
        state, reason = QueueState.IN_DOUBT, pushed.reason
    elif pushed.result in DONE:
        state, reason = QueueState.CLEAN, ""
    elif pushed.result is PushResult.HELD:
        state, reason = QueueState.HELD, _held_for(finished)
    elif pushed.result is PushResult.REFUSED:
        state, reason = QueueState.PARKED, f"{pushed.error_code}: {pushed.reason}"
    else:
        state, reason = QueueState.PENDING, pushed.reason
        attempts = waiting.attempts + finished.blamed
        failing_since = waiting.failing_since
        next_attempt_at = retries.next_at(now, max(1, attempts), pushed.wait)
        if finished.blamed:
            failing_since = failing_since or now
            if retries.spent(failing_since, now):
                state, failing_since = QueueState.PARKED, None
    return Settled(
        waiting,
        state,
        reason,
        pushed.acknowledged.encode(),
        attempts,
        failing_since,
        next_attempt_at,
        encode_result(waiting, pushed, state, now),
        pushed.certain,
    )


def _held_for(finished: Finished) -> str:
    if finished.unknown_procedure:
        return held_for(finished.unknown_procedure)
    return finished.pushed.reason


def postponement(waiting: Waiting, why: str, now: int, *, known: bool) -> Settled:
    """Set a dossier among the failing ones untried, because its kind fails; its budget begins."""
    return Settled(
        waiting,
        QueueState.PENDING,
        why,
        acknowledged.decode(waiting.acknowledged).encode(),
        waiting.attempts,
        failing_since=now,
        next_attempt_at=now,
        result=None,
        certain=known,
    )


def log_stopped(finished: Sequence[Finished]) -> None:
    """Log one line a cause: a province's first day may hold thousands of dossiers."""
    causes: dict[tuple[str, str, str], list[str]] = {}
    for taken, pushed, _ in finished:
        if pushed.result in {PushResult.REFUSED, PushResult.HELD}:
            cause = (pushed.result.value, pushed.error_code, pushed.reason)
            causes.setdefault(cause, []).append(taken.waiting.code)
    log = structlog.get_logger().bind(part="dispatcher")
    for (result, error_code, reason), codes in causes.items():
        log.warning(
            "dossiers_not_synced",
            result=result,
            error_code=error_code,
            reason=reason,
            count=len(codes),
            first=codes[:3],
        )
