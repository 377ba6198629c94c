"""A store belongs to one profile from its first count on."""

import random
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete
from tests.domain.profiles.by_date import BY_DATE
from tests.store.filled import fill
from tests.store.rates.history import history

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.engine import open_store
from lgsp.store.rates.counted_by import claim, counted_by
from lgsp.store.tables import COUNTED_BY


def owner(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return counted_by(connection)


def test_the_first_to_count_owns_the_store(engine: Engine) -> None:
    assert owner(engine) is None
    cells = claim(engine, BY_DATE)

    assert owner(engine) == "by-date/7"
    assert cells is claim(engine, BY_DATE)
    with pytest.raises(ConfigurationError, match="by profile by-date/7, not by profile simple/2"):
        claim(engine, SIMPLE)
    assert owner(engine) == "by-date/7"


def test_workers_that_start_at_once_make_one_owner(store_url: str) -> None:
    engines = [open_store(store_url) for _ in range(4)]
    failed: list[BaseException] = []
    together = threading.Barrier(len(engines))

    def start(engine: Engine) -> None:
        together.wait()
        try:
            claim(engine, SIMPLE)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert failed == []
    assert owner(engines[0]) == "simple/2"
    for engine in engines:
        engine.dispose()


def test_cells_of_an_unknown_counter_are_refused(engine: Engine) -> None:
    fill(engine, history(random.Random(1), dossiers=3))
    with engine.begin() as connection:
        connection.execute(delete(COUNTED_BY))
    with pytest.raises(ConfigurationError, match=r"by an earlier version.*lgsp upgrade"):
        claim(engine, SIMPLE)


def test_a_table_of_cells_with_other_columns_is_refused(engine: Engine) -> None:
    few = replace(SIMPLE.measures, measures=SIMPLE.measures.measures[:5], counts=(), rates=())
    claim(engine, replace(SIMPLE, measures=few))
    with pytest.raises(ConfigurationError, match=r"table cells.*lgsp upgrade"):
        claim(engine, SIMPLE)
