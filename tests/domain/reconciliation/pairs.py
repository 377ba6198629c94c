"""Pairs of sides: equal ones, and a way to break them in each class, with the truth."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from lgsp.domain.reconciliation.held import Claim, Here, Push, PushedAs, SyncState, There
from lgsp.domain.reconciliation.mismatch import Cause, MismatchKind
from lgsp.domain.reconciliation.sides import Moment, SeenStep, Side
from lgsp.domain.status import Status

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_704_675_600_000  # 2024-01-08 08:00 in Asia/Ho_Chi_Minh
PATHS = ((1, 2, 4, 9, 10), (2, 4, 9), (2, 4, 5, 4, 9, 10), (1, 2, 4, 6, 4, 9))


class Pair(NamedTuple):
    here: Here | None
    there: There


class Truth(NamedTuple):
    """What a pair must be found to be: every class, and the cause of the one that was seeded."""

    pair: Pair
    kinds: frozenset[MismatchKind]
    kind: MismatchKind
    cause: Cause


def equal_pair(draw: random.Random, n: int, path: tuple[int, ...] = ()) -> Pair:
    """A dossier that the portal holds as we do."""
    at = START + draw.randrange(200) * DAY
    path = path or draw.choice(PATHS)
    steps = tuple(SeenStep(at + i * 5 * HOUR, Status(s)) for i, s in enumerate(path))
    finished = next(s.at for s in steps if s.status is Status.PROCESSED)
    returned = steps[-1].at if steps[-1].status is Status.RESULT_RETURNED else None
    due = finished + DAY
    dates = {
        "submitted_at": Moment(at - HOUR),
        "received_at": Moment(at),
        "due_at": Moment(due),
        "finished_at": Moment(finished),
        "returned_at": None if returned is None else Moment(returned),
    }
    side = Side(status=steps[-1].status, dates=dates, steps=steps, late=False, received_late=False)
    code = f"H37.1-240108-{n:05d}"
    here = Here(
        code=code,
        unit="H37.1",
        side=side,
        deadline=due,
        reception_deadline=at + 9 * HOUR,
        changed_at=steps[-1].at,
        sync=SyncState.CLEAN,
        known_there=True,
        own_steps=frozenset(steps),
        earlier=frozenset({("due_at", due - 2 * DAY)}),
        pushes=tuple(Push(result=PushedAs.DONE, at=step.at + 60_000) for step in steps),
        all_pushes=True,
    )
    return Pair(here, There(code=code, side=side))


def _there(pair: Pair, **changes: Any) -> Pair:
    return Pair(pair.here, replace(pair.there, side=replace(pair.there.side, **changes)))


def _here(pair: Pair, **changes: Any) -> Here:
    assert pair.here is not None
    return replace(pair.here, **changes)


def _cut(pair: Pair, length: int) -> Pair:
    """Show the portal as it stood after that many of our steps."""
    side = pair.there.side
    assert side.steps is not None
    steps = side.steps[:length]
    ends = {"finished_at": None, "returned_at": None}
    return _there(pair, steps=steps, status=steps[-1].status, dates={**side.dates, **ends})


def _stale(pair: Pair, *, refused: bool) -> Pair:
    cut = _cut(pair, 2)
    if not refused:
        return cut
    said = "-1: thiếu trường"
    push = Push(result=PushedAs.REFUSED, at=START, message=said)
    return cut._replace(here=_here(pair, sync=SyncState.PARKED, reason=said, pushes=(push,)))


def _ahead(pair: Pair) -> Pair:
    side = pair.there.side
    assert side.steps is not None
    further = SeenStep(side.steps[-1].at + DAY, Status.PROCESSING)
    return _there(pair, steps=(*side.steps, further), status=Status.PROCESSING)


def _other_date(pair: Pair, at: int) -> Pair:
    return _there(pair, dates={**pair.there.side.dates, "due_at": Moment(at)})


def _due(pair: Pair) -> int:
    moment = pair.there.side.dates["due_at"]
    assert moment is not None
    return moment.at


def _lacks_step(pair: Pair, *, doubted: bool) -> Pair:
    side = pair.there.side
    assert side.steps is not None
    lacking = _there(pair, steps=(side.steps[0], *side.steps[2:]))
    if not doubted:
        return lacking
    lost = frozenset({side.steps[1]})
    return lacking._replace(here=_here(pair, sync=SyncState.IN_DOUBT, doubted=lost))


def _listed(pair: Pair, claim: Claim, **here: Any) -> Pair:
    return Pair(_here(pair, **here), There(code=pair.there.code, claim=claim))


def _judged_late(pair: Pair) -> Here:
    assert pair.here is not None
    return _here(pair, side=replace(pair.here.side, late=True))


def _pushed_at(pair: Pair, late_by: int) -> tuple[Push, ...]:
    return (Push(result=PushedAs.DONE, at=_due(pair) + late_by),)


Breaks = Callable[[Pair], Pair]
K, C = MismatchKind, Cause
SEEDS: tuple[tuple[MismatchKind, Cause, frozenset[MismatchKind], Breaks], ...] = (
    (
        K.MISSING_THERE,
        C.NOT_KEPT,
        frozenset(),
        lambda p: Pair(p.here, There(code="", found=False)),
    ),
    (
        K.MISSING_THERE,
        C.NEVER_PUSHED,
        frozenset(),
        lambda p: Pair(
            _here(p, known_there=False, sync=SyncState.PENDING, pushes=()),
            There(code="", found=False),
        ),
    ),
    (K.MISSING_HERE, C.NEVER_ARRIVED, frozenset(), lambda p: Pair(None, p.there)),
    (
        K.EXTRA_THERE,
        C.NOT_OURS,
        frozenset(),
        lambda p: Pair(None, replace(p.there, ours=False)),
    ),
    (
        K.EXTRA_THERE,
        C.NOT_KNOWN_HERE,
        frozenset(),
        lambda p: Pair(None, replace(p.there, filed_there=False)),
    ),
    (K.EXTRA_THERE, C.REMOVED_HERE, frozenset(), lambda p: Pair(_here(p, removed=True), p.there)),
    (K.STALE_THERE, C.NOT_KEPT, frozenset(), lambda p: _stale(p, refused=False)),
    (K.STALE_THERE, C.REFUSED, frozenset({K.PARKED}), lambda p: _stale(p, refused=True)),
    (K.AHEAD_THERE, C.CHANGED_THERE, frozenset(), _ahead),
    (K.DATES_DIFFER, C.OVERWRITTEN, frozenset(), lambda p: _other_date(p, _due(p) - 9 * DAY)),
    (K.DATES_DIFFER, C.NOT_KEPT, frozenset(), lambda p: _other_date(p, _due(p) - 2 * DAY)),
    (
        K.UNMAPPED,
        C.NOT_MAPPED,
        frozenset(),
        lambda p: Pair(
            _here(p, unmapped=True, sync=SyncState.HELD, reason="unmapped_procedure"),
            There(code="", found=False),
        ),
    ),
    (
        K.PARKED,
        C.MISSING_PREREQUISITE,
        frozenset(),
        lambda p: p._replace(
            here=_here(
                p,
                sync=SyncState.PARKED,
                pushes=(Push(result=PushedAs.MISSES_STEP, message="Thiếu bước: 4"),),
            )
        ),
    ),
    (
        K.PHANTOM_LATE,
        C.PUSHED_LATE,
        frozenset(),
        lambda p: _listed(p, Claim.LATE, pushes=_pushed_at(p, HOUR)),
    ),
    (K.PHANTOM_LATE, C.OTHER_CLOCK, frozenset(), lambda p: _listed(p, Claim.LATE)),
    (
        K.PHANTOM_ON_TIME,
        C.OTHER_CLOCK,
        frozenset(),
        lambda p: _there(p, late=False)._replace(here=_judged_late(p)),
    ),
    (K.LATE_RECEPTION, C.OTHER_CLOCK, frozenset(), lambda p: _listed(p, Claim.RECEIVED_LATE)),
    (K.MISSING_STEP, C.NOT_KEPT, frozenset(), lambda p: _lacks_step(p, doubted=False)),
    (K.MISSING_STEP, C.ANSWER_LOST, frozenset(), lambda p: _lacks_step(p, doubted=True)),
    (
        K.DUPLICATE_STEP,
        C.SENT_TWICE,
        frozenset(),
        lambda p: _there(p, steps=(*(p.there.side.steps or ())[:1], *(p.there.side.steps or ()))),
    ),
    (
        K.AGREED,
        C.NONE,
        frozenset(),
        lambda p: _listed(p, Claim.LATE)._replace(here=_judged_late(p)),
    ),
    (K.EQUAL, C.NONE, frozenset(), lambda p: p),
)


def seeded(each: int, seed: int = 1) -> list[Truth]:
    """Pairs of every class and cause, `each` of them, with the truth; in one random order."""
    draw = random.Random(seed)
    truths: list[Truth] = []
    for kind, cause, besides, breaks in SEEDS:
        for _ in range(each):
            broken = breaks(equal_pair(draw, len(truths)))
            truths.append(Truth(broken, besides | {kind}, kind, cause))
    draw.shuffle(truths)
    return truths
