"""Clocks that are ahead: seen by others, and what was counted by one is counted anew."""

import random

from sqlalchemy import Engine
from tests.store.rates.history import NOW, history
from tests.store.rates.test_fold import (
    Clock,
    Kind,
    expected_cells,
    kind,
    make,
    records,
    stored_cells,
)

from lgsp.domain.working_time import DAY_MS
from lgsp.ioc.clock_check import ClockCheck
from lgsp.runtime.kafka.records import Batch
from lgsp.store.rates.clocks import AHEAD, CLOCKS, SaidClock, clocks_after

__all__ = ["kind"]  # a fixture


def test_what_a_clock_ahead_counted_overdue_is_counted_again_when_it_is_right(
    engine: Engine, kind: Kind
) -> None:
    events = history(random.Random(2), dossiers=40)
    early = min(e.occurred_at for e in events)
    clock = Clock(NOW)  # ahead: deadlines have not passed yet
    fold, _ = make(engine, clock, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records(events))])
    assert stored_cells(engine) == expected_cells(events) != expected_cells(events, early)
    clock.now = early

    assert fold.wake_early() > 0
    assert stored_cells(engine) == expected_cells(events, early)
    assert fold.wake_early() == 0
    clock.now = NOW
    while fold.wake():
        pass
    assert stored_cells(engine) == expected_cells(events)


def test_a_clock_that_was_set_back_knows_that_it_was_ahead(engine: Engine) -> None:
    clock = Clock(NOW + 600_000)
    said = SaidClock(engine, clock, "one")
    assert not said.was_ahead({0})
    said.say({0})
    clock.now = NOW

    assert said.was_ahead({0})
    assert SaidClock(engine, clock, "one").was_ahead({0})  # the process began anew
    said.say({0})
    assert not said.was_ahead({0})


def test_who_takes_partitions_over_counts_anew_what_another_machine_counted_too_early(
    engine: Engine,
) -> None:
    ahead, right = Clock(NOW + 600_000), Clock(NOW)
    SaidClock(engine, ahead, "ahead").say({0, 1})
    said = SaidClock(engine, right, "right")

    assert said.was_ahead({0})
    said.say({0})
    assert not said.was_ahead({0})  # the other one goes on with its own
    assert said.was_ahead({0, 1})
    right.now = NOW + 600_000  # by now it was right
    assert not said.was_ahead({0, 1})


def test_machines_of_yesterday_are_forgotten(engine: Engine) -> None:
    clock = Clock(NOW)
    SaidClock(engine, clock, "old").say({0})
    clock.now = NOW + DAY_MS + 1
    SaidClock(engine, clock, "new").say({0})

    with engine.connect() as connection:
        assert clocks_after(connection, 0) == [("new", clock.now)]


def test_the_feed_tells_of_a_worker_that_is_ahead_until_its_time_has_come(engine: Engine) -> None:
    clock = Clock(NOW)
    check = ClockCheck(engine, clock)
    SaidClock(engine, Clock(NOW + AHEAD), "near").say({0})
    assert list(check()) == []
    SaidClock(engine, Clock(NOW + 600_000), "far").say({0})

    [found] = check()
    assert (found.reason.value, found.detail, found.at) == ("worker_ahead", "far", NOW + 600_000)
    clock.now = NOW + 600_000
    assert list(check()) == []


def test_a_store_of_before_has_no_clocks(engine: Engine) -> None:
    CLOCKS.drop(engine)

    assert list(ClockCheck(engine, Clock(NOW))()) == []
