"""The two folds over ends that a source tells late, after it has shown the dossier as open."""

import random
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from tests.domain.test_history import Row, ended, rows, seen, shown
from tests.domain.test_statements import DAY, MONDAY, RECEIVED, S
from tests.store.rates.fast.test_fold import CALENDAR, Both, emptied, sqlite_pair

from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.runtime.avro.codec import encode_event
from lgsp.store.engine import open_store
from lgsp.store.rates.counted_by import claim
from lgsp.store.rates.layout import decode
from lgsp.store.tables import DOSSIERS

__all__ = ["sqlite_pair"]

COURSES = (
    (State.WITHDRAWN, (RECEIVED, seen(S.PROCESSING), ended(S.WITHDRAWN))),
    (State.WITHOUT_DEADLINE, (RECEIVED, seen(S.PAYMENT_REQUIRED), ended(S.PROCESSED))),
    (
        State.WITHDRAWN,
        (
            RECEIVED,
            ended(S.WITHDRAWN, stated=MONDAY + 9 * DAY),
            seen(S.PROCESSING),
            ended(S.WITHDRAWN),
        ),
    ),
    (
        State.SUSPENDED,
        (
            RECEIVED,
            seen(S.PROCESSING),
            ended(S.WITHDRAWN),
            seen(S.SUPPLEMENT_REQUIRED, MONDAY + 14 * DAY),
        ),
    ),
)


def of(code: int, event: DossierEvent) -> tuple[int, bytes]:
    """The event as one of another dossier, in its partition."""
    moved = replace(event, dossier_code=f"H37.12-240603-{code:04d}")
    return code % 2, encode_event(with_id(moved))


def states(engine: Engine, now: int) -> set[State]:
    with engine.connect() as connection:
        found = connection.execute(select(DOSSIERS.c.code, DOSSIERS.c.dossier)).all()
    return {SIMPLE.standing(decode(*row), CALENDAR, now).state for row in found}


@pytest.mark.parametrize("keep", [0, 1000])
@pytest.mark.parametrize(("expected", "course"), COURSES)
def test_every_order_of_arrival_is_counted_alike(
    tmp_path: Path, expected: State, course: tuple[DossierEvent, ...], keep: int
) -> None:
    """A dossier for each order and each way to cut it into two batches."""
    plain, fast = (open_store(f"sqlite:///{tmp_path}/{name}.db") for name in "ab")
    for engine in (plain, fast):
        claim(engine, SIMPLE)
    both = Both(plain, fast, keep)
    both.clock.now = MONDAY + 60 * DAY
    lives = [(order, cut) for order in permutations(course) for cut in range(len(course))]
    for part in (0, 1):
        both.feed(
            [
                of(code, event)
                for code, (order, cut) in enumerate(lives)
                for event in (order[:cut], order[cut:])[part]
            ]
        )
    both.assert_equal()

    assert {expected} == states(fast, both.clock.now)
    for engine in (plain, fast):
        engine.dispose()


@given(st.lists(rows, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_equal_over_nightly_rows_in_any_order(
    sqlite_pair: tuple[Engine, Engine], lives: list[list[Row]], rnd: random.Random
) -> None:
    plain, fast = map(emptied, sqlite_pair)
    both = Both(plain, fast, keep=rnd.choice([0, 1000]))
    values = [
        of(code, event)
        for code, nights in enumerate(lives)
        for event in (RECEIVED, *[shown(night, row) for night, row in enumerate(nights)])
    ]
    rnd.shuffle(values)
    cut = rnd.randrange(len(values))
    both.feed(values[:cut])
    both.feed(values[cut:])

    both.assert_equal()
