"""The stored position moves for who holds the newest one, and for nobody else."""

import pytest
from sqlalchemy import Engine

from lgsp.runtime.lane.handler import FencedError
from lgsp.store.offsets import (
    Position,
    advance,
    advance_all,
    load_position,
    stored_offsets,
)

LANE, TOPIC = "rates", "dossier-events"


def moved(engine: Engine, held: Position, to: int, partition: int = 0) -> Position | None:
    with engine.begin() as connection:
        return advance(connection, LANE, TOPIC, partition, held, to)


def test_a_new_partition_stands_at_its_beginning(engine: Engine) -> None:
    with engine.begin() as connection:
        first = load_position(connection, LANE, TOPIC, 3)
        again = load_position(connection, LANE, TOPIC, 3)

    assert first == again == Position(0, 0)


def test_who_holds_an_older_position_moves_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        start = load_position(connection, LANE, TOPIC, 0)
    newest = moved(engine, start, 10)

    assert newest == Position(10, 1)
    assert moved(engine, start, 5) is None
    with engine.begin() as connection:
        assert load_position(connection, LANE, TOPIC, 0) == newest


def test_a_transaction_without_records_fences_too(engine: Engine) -> None:
    with engine.begin() as connection:
        start = load_position(connection, LANE, TOPIC, 0)
    newest = moved(engine, start, 0)

    assert newest == Position(0, 1)
    assert moved(engine, start, 0) is None
    assert moved(engine, start, 7) is None


def test_of_several_partitions_the_lost_ones_are_named_and_none_moves(engine: Engine) -> None:
    with engine.begin() as connection:
        held = {p: load_position(connection, LANE, TOPIC, p) for p in (0, 1, 2)}
    newest = moved(engine, held[1], 0, partition=1)
    assert newest is not None
    with pytest.raises(FencedError) as fenced, engine.begin() as connection:
        advance_all(connection, LANE, TOPIC, held, {0: 4, 1: 5, 2: 6})
    with engine.begin() as connection:
        stored = stored_offsets(connection, LANE, TOPIC)
        after = advance_all(connection, LANE, TOPIC, held | {1: newest}, {0: 4, 1: 5, 2: 6})

    assert fenced.value.partitions == {1}
    assert stored == {0: 0, 1: 0, 2: 0}
    assert {p: at.offset for p, at in after.items()} == {0: 4, 1: 5, 2: 6}
