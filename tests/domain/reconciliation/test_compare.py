"""Both sides compared: total, deterministic, symmetric; every seeded class found, no other."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.held import Claim, Here, Push, PushedAs, SyncState, There
from lgsp.domain.reconciliation.mismatch import Cause, MismatchKind, differs
from lgsp.domain.reconciliation.sides import (
    Side,
    SideOrder,
    course_of,
    dates_that_differ,
    steps_apart,
)
from tests.domain.reconciliation.drawn import heres, sides, theres
from tests.domain.reconciliation.pairs import equal_pair, seeded

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
