"""Cells and dossiers as two witnesses: any difference is found, and none where there is none."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete, text, update
from tests.store.filled import CALENDAR, fill, wake
from tests.store.rates.history import DAY, NOW, START, history

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.figures.witnesses import (
    Disagreement,
    StoppedError,
    compare_exactly,
    compare_quickly,
)
from lgsp.store.rates.cells import day_cells
from lgsp.store.tables import DOSSIERS

EVENTS = history(random.Random(9), dossiers=60)
CELLS = day_cells(SIMPLE.measures).table


def exactly(engine: Engine) -> list[Disagreement]:
    return compare_exactly(engine, SIMPLE, CALENDAR, NOW)


def quickly(engine: Engine) -> list[Disagreement]:
    return compare_quickly(engine, SIMPLE)


def test_a_store_that_is_right_differs_in_nothing_whatever_the_time(engine: Engine) -> None:
    fill(engine, EVENTS[:100], START + 20 * DAY)
    assert (quickly(engine), exactly(engine)) == ([], [])
    fill(engine, EVENTS[100:])
    wake(engine, NOW)
    assert (quickly(engine), exactly(engine)) == ([], [])


def test_one_unit_too_many_or_too_few_is_found(engine: Engine) -> None:
    fill(engine, EVENTS)
    for change in (1, -1):
        with engine.begin() as connection:
            day = connection.execute(text("SELECT min(day) FROM cells")).scalar_one()
            moved = update(CELLS).where(CELLS.c.day == day)
            connection.execute(moved.values(received_direct=CELLS.c.received_direct + change))
        found = exactly(engine)
        assert {d.measure for d in found} == {"received_direct"}
        assert {d.cells - d.dossiers > 0 for d in found} == {change > 0}
        with engine.begin() as connection:
            connection.execute(moved.values(received_direct=CELLS.c.received_direct - change))
    assert exactly(engine) == []


def test_an_older_state_under_a_worker_is_seen_without_decoding(engine: Engine) -> None:
    """Dossiers went back, cells counted on: more is counted than there are dossiers."""
    fill(engine, EVENTS)
    with engine.begin() as connection:
        connection.execute(delete(DOSSIERS).where(DOSSIERS.c.code > "H37.2"))

    assert "received_online" in {d.measure for d in exactly(engine)}
    assert {"filing_rate"} <= {d.measure for d in quickly(engine)}


def test_an_overdue_mark_that_no_cell_has_is_seen_without_decoding(engine: Engine) -> None:
    fill(engine, EVENTS)
    with engine.begin() as connection:
        connection.execute(update(DOSSIERS).values(overdue=1))

    assert {d.measure for d in quickly(engine)} == {"open_overdue"}
    assert str(quickly(engine)[0]).startswith("partition 0, open_overdue: ")


def test_counting_stops_when_told_to(engine: Engine) -> None:
    fill(engine, EVENTS)
    with pytest.raises(StoppedError):
        compare_exactly(engine, SIMPLE, CALENDAR, NOW, lambda: False)


def test_a_profile_of_several_measures_that_time_turns_gives_no_alarm(engine: Engine) -> None:
    measures = tuple(replace(m, timed=True) for m in SIMPLE.measures.measures)
    profile = replace(SIMPLE, measures=replace(SIMPLE.measures, measures=measures))
    fill(engine, EVENTS, profile=profile)

    assert compare_quickly(engine, profile) == []
