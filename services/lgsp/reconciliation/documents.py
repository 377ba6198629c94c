"""A difference as it is printed: codes, statuses, times and steps, never a person."""

from functools import lru_cache
from typing import Any

from lgsp.domain.period import show_instant
from lgsp.domain.reconciliation.held import Here, Push, There
from lgsp.domain.reconciliation.mismatch import Mismatch
from lgsp.domain.reconciliation.sides import DATES, Moment, SeenStep, Side

_shown = lru_cache(65536)(show_instant)  # a dossier's times stand in several places


def difference_documents(
    code: str, found: tuple[Mismatch, ...], here: Here | None, there: There
) -> list[dict[str, Any]]:
    """Return `{dossier, class, cause, here, there, evidence}` of each difference of a dossier."""
    ours = None if here is None else here_document(here)
    theirs, evidence = there_document(there), _evidence(here, there)
    return [
        {
            "dossier": code,
            "class": each.kind.value,
            "cause": each.said,
            "here": ours,
            "there": theirs,
            "evidence": evidence
            | {"dates": list(each.dates), "steps": [_step(step) for step in each.steps]},
        }
        for each in found
    ]


def here_document(here: Here) -> dict[str, Any]:
    """Show what we hold."""
    return _side(here.side) | {
        "deadline": _shown(here.deadline),
        "unit": here.unit,
        "procedure": here.procedure,
        "sync": here.sync.value,
        "reason": here.reason,
    }


def there_document(there: There) -> dict[str, Any] | None:
    """Show what was told; None: the portal has no such dossier."""
    if there.found is False:
        return None
    return _side(there.side) | {
        "claim": there.claim.value if there.claim else None,
        "filed_there": there.filed_there,
    }


def _evidence(here: Here | None, there: There) -> dict[str, Any]:
    clocks = {
        name: [
            None if here is None else _moment(here.side.dates.get(name)),
            _moment(there.side.dates.get(name)),
        ]
        for name in DATES
    }
    return {
        "clocks": clocks,
        "pushes": [] if here is None else [_push(push) for push in here.pushes],
        "all_pushes_known": False if here is None else here.all_pushes,
        "seen_at": _shown(there.at),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "status": None if side.status is None else int(side.status),
        **{name: _moment(side.dates.get(name)) for name in DATES},
        "late": side.late,
        "received_late": side.received_late,
        "steps": None if side.steps is None else [_step(step) for step in side.steps],
    }


def _moment(moment: Moment | None) -> str | None:
    return None if moment is None else _shown(moment.at)


def _step(step: SeenStep) -> dict[str, Any]:
    return {"status": int(step.status), "at": _shown(step.at)}


def _push(push: Push) -> dict[str, Any]:
    return {
        "result": push.result.value,
        "at": _shown(push.at),
        "status": None if push.status is None else int(push.status),
        "message": push.message,
    }
