"""What is sent to mend a difference, in the portal's order, and what is never touched."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.held import Claim, Here, SyncState, There
from lgsp.domain.reconciliation.mismatch import MismatchKind, differs
from lgsp.domain.reconciliation.repair import (
    Act,
    advice_for,
    is_repairable,
    owner_of,
    sendings,
    worst_of,
)
from lgsp.domain.reconciliation.sides import Moment
from tests.domain.reconciliation.drawn import heres, theres
from tests.domain.reconciliation.pairs import equal_pair, seeded

STATUSES = SIMPLE.statuses


@given(st.none() | heres, theres)
def test_nothing_is_ever_sent_over_what_others_changed(here: Here | None, there: There) -> None:
    found = compare(here, there, STATUSES)
    kinds = {each.kind for each in found}
    if kinds & {
        MismatchKind.AHEAD_THERE,
        MismatchKind.EXTRA_THERE,
        MismatchKind.MISSING_HERE,
        MismatchKind.UNMAPPED,
    }:
        assert not is_repairable(here, found)
    if here is not None and is_repairable(here, found):
        sent = sendings(here, there, found)
        assert sent
        acts = [each.act for each in sent if each.act is not Act.STEP]
        assert len(acts) <= 1


def test_missing_steps_of_ours_go_before_the_record_and_the_later_ones_behind() -> None:
    here = equal_pair(random.Random(3), 1, (1, 2, 4, 9, 10)).here
    assert here is not None
    ours = here.side.steps or ()
    shown = replace(here.side, status=ours[2].status, steps=(ours[0], ours[2]), dates={})
    there = There(code=here.code, side=shown)
    found = compare(here, there, STATUSES)
    assert {each.kind for each in found} == {MismatchKind.STALE_THERE, MismatchKind.MISSING_STEP}
    sent = [(each.act, each.step) for each in sendings(here, there, found)]
    assert sent == [
        (Act.STEP, ours[1]),
        (Act.UPDATE, None),
        *[(Act.STEP, step) for step in ours[3:]],
    ]


def test_what_no_push_mends_has_an_owner_and_says_what_to_do() -> None:
    for truth in seeded(2):
        here, there = truth.pair
        found = compare(here, there, STATUSES)
        if differs(found) and not is_repairable(here, found):
            worst = worst_of(found)
            assert owner_of(here, worst)
            assert len(advice_for(worst)) > 10
            assert worst.kind is not MismatchKind.EQUAL


def test_a_dossier_that_is_missing_there_is_created_with_all_its_steps() -> None:
    here = equal_pair(random.Random(3), 1).here
    assert here is not None
    there = There(code=here.code, found=False)
    sent = sendings(here, there, compare(here, there, STATUSES))
    assert [each.act for each in sent] == [Act.CREATE, *[Act.STEP] * len(here.side.steps or ())]


def test_what_a_list_says_is_looked_up_first_and_what_is_held_stays() -> None:
    here = equal_pair(random.Random(3), 1).here
    assert here is not None
    there = There(code=here.code, claim=Claim.LATE)
    found = compare(here, there, STATUSES)
    assert is_repairable(here, found)
    assert [each.act for each in sendings(here, there, found)] == [Act.LOOK_UP]
    held = replace(here, sync=SyncState.HELD, reason="by hand")
    assert not is_repairable(held, compare(held, there, STATUSES))


def test_a_date_alone_is_an_update() -> None:
    here = equal_pair(random.Random(3), 1).here
    assert here is not None
    dates = {**here.side.dates, "due_at": Moment(1)}
    there = There(code=here.code, side=replace(here.side, dates=dates))
    (sent,) = sendings(here, there, compare(here, there, STATUSES))
    assert (sent.act, sent.dates) == (Act.UPDATE, ("due_at",))
