"""The sync result of a push, for the topic sync-results: no personal data, the message masked."""

from lgsp.national.pushed import Pushed, PushResult
from lgsp.runtime.avro.codec import RESULTS
from lgsp.runtime.logs import mask
from lgsp.store.sync.rows import Waiting
from lgsp.store.sync.tables import QueueState

_OUTCOMES = {
    PushResult.CREATED: "CREATED",
    PushResult.UPDATED: "UPDATED",
    PushResult.UNCHANGED: "UNCHANGED",
    PushResult.RETRY: "RETRYING",
    PushResult.REFUSED: "PARKED",
    PushResult.HELD: "PARKED",
}


def encode_result(waiting: Waiting, pushed: Pushed, state: QueueState, now: int) -> bytes:
    """Encode the result of a push that left the dossier queued as `state`; `now` in ms UTC."""
    return RESULTS.encode(
        {
            "dossier_code": waiting.code,
            "outcome": "PARKED" if state is QueueState.PARKED else _OUTCOMES[pushed.result],
            "status": pushed.status.name,
            "steps": pushed.steps,
            "attempt": waiting.attempts + 1,
            "error_code": pushed.error_code,
            "message": mask(pushed.reason),
            "occurred_at": pushed.newest_at,
            "at": now,
        }
    )
