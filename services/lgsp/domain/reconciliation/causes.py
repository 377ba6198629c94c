"""Why the portal lacks what we hold: told from the queue, the pushes and what it shows. Pure."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from lgsp.domain.reconciliation.held import Here, PushedAs, SyncState, There
from lgsp.domain.reconciliation.mismatch import Cause
from lgsp.domain.reconciliation.sides import MINUTE_MS, SeenStep, Side
from lgsp.domain.status import Status


class Why(NamedTuple):
    """A cause, what else it needs to be said, and the minutes of a late push."""

    cause: Cause
    detail: str = ""
    minutes: int | None = None


_STOPPED_BY = {
    PushedAs.MISSES_STEP: Cause.MISSING_PREREQUISITE,
    PushedAs.REFUSED: Cause.REFUSED,
    PushedAs.LOST: Cause.ANSWER_LOST,
}


def why_behind(here: Here, there: There) -> Why:
    """Say why the portal lacks what we hold."""
    if stopped := why_stopped(here):
        return stopped
    newest = here.newest_push
    result = None if newest is None else newest.result
    in_doubt = here.sync is SyncState.IN_DOUBT and result is not PushedAs.DONE
    if in_doubt or result is PushedAs.LOST:
        return Why(Cause.ANSWER_LOST, here.reason)
    if not here.known_there:
        return Why(Cause.NEVER_PUSHED, here.reason)
    if here.sync is SyncState.PENDING:
        return Why(Cause.WAITING, here.reason)
    return _why_not_shown(here, there)


def why_stopped(here: Here) -> Why | None:
    """Say why the dossier is held or parked, None when it is neither."""
    if here.unmapped:
        return Why(Cause.NOT_MAPPED, here.reason)
    if here.sync is SyncState.HELD:
        return Why(Cause.HELD, here.reason)
    if here.sync is SyncState.PARKED:
        newest = here.newest_push
        cause = Cause.REFUSED if newest is None else _STOPPED_BY.get(newest.result, Cause.REFUSED)
        return Why(cause, here.reason)
    return None


def why_step_missing(here: Here, there: There, missing: Iterable[SeenStep]) -> Why:
    """Say why the portal lacks these steps of ours."""
    if any(step in here.doubted for step in missing):
        return Why(Cause.ANSWER_LOST, here.reason)
    reason = why_behind(here, there)
    return Why(Cause.NOT_KEPT) if reason.cause is Cause.OVERWRITTEN else reason


def why_dates_differ(here: Here, there: There, names: Iterable[str]) -> Why:
    """Say why the portal shows other dates."""
    reason = why_behind(here, there)
    if reason.cause not in {Cause.NOT_KEPT, Cause.OVERWRITTEN}:
        return reason
    was_ours = _all_were_ours(here, there.side, names)
    return Why(Cause.NOT_KEPT if was_ours else Cause.OVERWRITTEN)


def pushed_after(
    here: Here, since: int | None, until: int | None, says: Callable[[Status], bool]
) -> int | None:
    """Return the minutes from `since` to the first push that came after `until` had passed.

    Args:
        here: the dossier.
        since: when there was something to be pushed, ms UTC.
        until: when the portal had to know it, ms UTC.
        says: whether a push of this status says it.

    Returns:
        None: a push was in time, or which was the first is not known.
    """
    if since is None or until is None or since > until:
        return None
    if not here.all_pushes and (here.changed_at is None or since < here.changed_at):
        return None  # the newest push is known alone, and an earlier one may have told it
    done = [
        p.at
        for p in here.pushes
        if p.result is PushedAs.DONE and p.at is not None and (not p.status or says(p.status))
    ]
    after = [at for at in done if at >= since]
    if not after or min(after) <= until:
        return None
    return (min(after) - since) // MINUTE_MS


def _why_not_shown(here: Here, there: There) -> Why:
    """Say why the portal does not show what it has acknowledged."""
    if there.claim is not None and not _pushed_before(here, there.at):
        return Why(Cause.NOT_KNOWN, "what was pushed since the list was made is not in it")
    if there.found is not False and not _was_ours(here, there.side):
        return Why(Cause.OVERWRITTEN)
    return Why(Cause.NOT_KEPT)


def _pushed_before(here: Here, at: int | None) -> bool:
    """Tell whether the newest push that was done is certainly older than what was told."""
    newest = None if here.newest_push is None else here.newest_push.at
    return newest is None or (at is not None and newest < at)


def _was_ours(here: Here, shown: Side) -> bool:
    """Tell whether the portal shows a state that our dossier had at some time."""
    if shown.status is None or shown.status is here.side.status:
        return True
    return any(step.status is shown.status for step in here.side.steps or ())


def _all_were_ours(here: Here, there: Side, names: Iterable[str]) -> bool:
    for name in names:
        moment = there.dates.get(name)
        if moment is not None and not any(
            known == name and moment.at <= at < moment.at + moment.span
            for known, at in here.earlier
        ):
            return False
    return True
