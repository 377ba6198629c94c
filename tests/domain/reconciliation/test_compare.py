"""Both sides compared: total, deterministic, symmetric; every seeded class found, no other."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.held import Claim, Here, Push, PushedAs, SyncState, There
from lgsp.domain.reconciliation.mismatch import Cause, MismatchKind, differs
from lgsp.domain.reconciliation.sides import (
    SeenStep,
    Side,
    SideOrder,
    course_of,
    dates_that_differ,
    steps_apart,
)
from lgsp.domain.status import Status
from tests.domain.reconciliation.drawn import heres, sides, theres
from tests.domain.reconciliation.pairs import DAY, equal_pair, seeded

STATUSES = SIMPLE.statuses
MIRRORED = {SideOrder.BEHIND: SideOrder.AHEAD, SideOrder.AHEAD: SideOrder.BEHIND}


@given(st.none() | heres, theres)
def test_every_pair_has_a_class_or_is_equal_and_always_the_same(
    here: Here | None, there: There
) -> None:
    found = compare(here, there, STATUSES)
    assert found
    assert compare(here, there, STATUSES) == found
    kinds = [each.kind for each in found]
    assert len(set(kinds)) == len(kinds)
    assert kinds == sorted(kinds, key=list(MismatchKind).index)
    if MismatchKind.EQUAL in kinds:
        assert kinds == [MismatchKind.EQUAL]
        assert not differs(found)


@given(sides, sides)
def test_what_stands_between_twosides_is_its_own_mirror(one: Side, other: Side) -> None:
    course = course_of(one, other, STATUSES)
    assert course_of(other, one, STATUSES) is MIRRORED.get(course, course)
    back = MIRRORED.get(course, course)
    assert dates_that_differ(one, other, course) == dates_that_differ(other, one, back)
    for mine, theirs in ((one, other), (other, one)):
        assert not dates_that_differ(mine, mine, course_of(mine, mine, STATUSES))
        assert not any(steps_apart(mine, mine)), theirs


@given(sides)
def test_a_dossier_that_is_there_as_it_is_here_is_equal(side: Side) -> None:
    once = None if side.steps is None else tuple(sorted(dict.fromkeys(side.steps)))
    shown = replace(side, steps=once)
    here = Here(
        code="H37.1-240108-0001",
        side=shown,
        sync=SyncState.CLEAN,
        known_there=True,
        own_steps=frozenset(once or ()),
    )
    there = There(code=here.code, side=shown)
    kinds = {each.kind for each in compare(here, there, STATUSES)}
    # A side that counts a reception as late on both sides differs in nothing.
    assert kinds == {MismatchKind.EQUAL}


def test_every_seeded_class_is_found_with_its_cause_and_no_other() -> None:
    truths = seeded(40)
    right: Counter[MismatchKind] = Counter()
    found_in_all: Counter[MismatchKind] = Counter()
    true_in_all: Counter[MismatchKind] = Counter()
    for truth in truths:
        found = compare(truth.pair.here, truth.pair.there, STATUSES)
        kinds = {each.kind for each in found}
        found_in_all.update(kinds)
        true_in_all.update(truth.kinds)
        right.update(kinds & truth.kinds)
        cause = {each.kind: each.cause for each in found}.get(truth.kind)
        assert cause is truth.cause, (truth.kind, truth.cause, found)
    assert set(true_in_all) == set(MismatchKind)
    for kind in MismatchKind:
        assert right[kind] / found_in_all[kind] == 1.0, kind  # precision
        assert right[kind] / true_in_all[kind] == 1.0, kind  # recall


def test_a_late_push_is_told_with_its_minutes() -> None:
    here = equal_pair(random.Random(7), 1).here
    assert here is not None
    assert here.deadline is not None
    finished = here.side.dates["finished_at"]
    assert finished is not None
    push = Push(result=PushedAs.DONE, at=here.deadline + 37 * 60_000)
    late = replace(here, pushes=(push,))
    (found,) = compare(late, There(code=here.code, claim=Claim.LATE), STATUSES)
    minutes = (here.deadline - finished.at) // 60_000 + 37
    assert (found.kind, found.said) == (
        MismatchKind.PHANTOM_LATE,
        f"pushed {minutes} minutes late",
    )
    in_time = replace(here, pushes=(Push(result=PushedAs.DONE, at=finished.at + 1), push))
    (found,) = compare(in_time, There(code=here.code, claim=Claim.LATE), STATUSES)
    assert found.cause is Cause.OTHER_CLOCK
    one_known = replace(late, all_pushes=False, changed_at=finished.at + 1)
    (found,) = compare(one_known, There(code=here.code, claim=Claim.LATE), STATUSES)
    assert found.cause is Cause.OTHER_CLOCK  # an earlier push may have told the finish


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"sync": SyncState.HELD, "reason": "sealed_data"}, Cause.HELD),
        ({"sync": SyncState.PARKED, "pushes": (Push(result=PushedAs.LOST),)}, Cause.ANSWER_LOST),
        ({"sync": SyncState.PARKED, "pushes": ()}, Cause.REFUSED),
        ({"sync": SyncState.PENDING, "pushes": (Push(result=PushedAs.LOST),)}, Cause.ANSWER_LOST),
        ({"sync": SyncState.PENDING, "pushes": ()}, Cause.WAITING),
        ({"sync": SyncState.IN_DOUBT, "pushes": ()}, Cause.ANSWER_LOST),
        ({"known_there": False, "pushes": ()}, Cause.NEVER_PUSHED),
        ({}, Cause.NOT_KEPT),
    ],
)
def test_the_queue_and_the_pushes_say_why_the_portal_lags(
    changes: dict[str, Any], cause: Cause
) -> None:
    pair = equal_pair(random.Random(5), 1, (1, 2, 4, 9, 10))
    assert pair.here is not None
    side = pair.here.side
    shown = replace(side, status=Status.RECEIVED, steps=(side.steps or ())[:2], dates={})
    found = compare(
        replace(pair.here, **changes), There(code=pair.here.code, side=shown), STATUSES
    )
    stale = next(each for each in found if each.kind is MismatchKind.STALE_THERE)
    assert stale.cause is cause


def test_a_status_that_we_never_had_was_written_by_others() -> None:
    here = equal_pair(random.Random(5), 1, (2, 4, 9)).here
    assert here is not None
    shown = replace(here.side, status=Status.REGISTERED, steps=None, dates={})
    (found,) = compare(here, There(code=here.code, side=shown), STATUSES)
    assert (found.kind, found.cause) == (MismatchKind.STALE_THERE, Cause.OVERWRITTEN)


def test_a_claim_that_cannot_be_held_against_a_clock_says_so() -> None:
    here = equal_pair(random.Random(5), 1).here
    assert here is not None
    unknown = replace(here, side=replace(here.side, late=None, received_late=None))
    (late,) = compare(unknown, There(code=here.code, claim=Claim.LATE), STATUSES)
    assert (late.kind, late.detail) == (
        MismatchKind.DATES_DIFFER,
        "no deadline is known here",
    )
    (received,) = compare(unknown, There(code=here.code, claim=Claim.RECEIVED_LATE), STATUSES)
    assert (received.kind, received.cause) == (MismatchKind.LATE_RECEPTION, Cause.NOT_KNOWN)


def test_a_late_reception_there_is_seen_by_a_look_up_too() -> None:
    here = equal_pair(random.Random(5), 1, (1, 2, 4, 9)).here
    assert here is not None
    shown = Side(status=Status.REGISTERED, received_late=True)
    found = compare(here, There(code=here.code, side=shown), STATUSES)
    assert {each.kind for each in found} == {
        MismatchKind.STALE_THERE,
        MismatchKind.LATE_RECEPTION,
    }


def test_steps_in_doubt_are_listed_where_no_look_up_tells_of_them() -> None:
    here = equal_pair(random.Random(5), 1).here
    assert here is not None
    lost = frozenset((here.side.steps or ())[-1:])
    doubted = replace(here, sync=SyncState.IN_DOUBT, doubted=lost)
    shown = replace(here.side, steps=None)
    (found,) = compare(doubted, There(code=here.code, side=shown), STATUSES)
    assert (found.kind, found.cause) == (MismatchKind.MISSING_STEP, Cause.ANSWER_LOST)
    assert frozenset(found.steps) == lost


def test_without_a_deadline_no_push_was_late() -> None:
    here = equal_pair(random.Random(5), 1).here
    assert here is not None
    (found,) = compare(
        replace(here, deadline=None), There(code=here.code, claim=Claim.LATE), STATUSES
    )
    assert (found.kind, found.cause) == (MismatchKind.PHANTOM_LATE, Cause.OTHER_CLOCK)


def test_a_step_of_others_after_ours_was_changed_there() -> None:
    here = equal_pair(random.Random(5), 1).here
    assert here is not None
    steps = here.side.steps or ()
    again = SeenStep(steps[-1].at + DAY, steps[-1].status)
    shown = replace(here.side, steps=(*steps, again))
    (found,) = compare(here, There(code=here.code, side=shown), STATUSES)
    assert (found.kind, found.steps) == (MismatchKind.AHEAD_THERE, (again,))


@pytest.mark.parametrize("sync", [SyncState.HELD, SyncState.PARKED])
def test_a_stopped_dossier_explains_its_phantom(sync: SyncState) -> None:
    here = equal_pair(random.Random(5), 1).here
    assert here is not None
    stopped = replace(here, sync=sync, reason="lý do", pushes=())
    found = compare(stopped, There(code=here.code, claim=Claim.LATE), STATUSES)
    assert [each.kind for each in found] == [MismatchKind.PARKED, MismatchKind.PHANTOM_LATE]
    assert found[0].said == found[1].said
    assert found[0].detail == "lý do"
