"""The rates processor beside its log: what it does with changed cells."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lgsp.domain.errors import RetryableError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.processors.rates import cell_message, publish_changed
from lgsp.runtime.avro.codec import CELLS
from lgsp.store.engine import open_store
from lgsp.store.rates.fold import RatesFold
from tests.domain.profiles.by_date import BY_DATE
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history


async def test_a_cell_is_marked_once_kafka_has_it_and_not_before(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    fill(engine, history(random.Random(1), dossiers=10))
    fold = RatesFold(engine, SIMPLE, "dossier-events", CALENDAR, lambda: NOW, lambda _: None)
    fold.open_partition(0)
    sent: list[dict[str, Any]] = []

    def changed() -> list[dict[str, Any]]:
        return fold.cells.take_dirty(engine, [0], 1000)

    async def send(cells: Sequence[dict[str, Any]]) -> None:
        assert before == changed()
        sent.extend(cells)

    async def send_in_vain(_cells: Sequence[dict[str, Any]]) -> None:
        raise RetryableError("Kafka is away")

    before = changed()
    with pytest.raises(RetryableError):
        await publish_changed(fold, engine, send_in_vain)
    counts = [await publish_changed(fold, engine, send) for _ in range(2)]
    engine.dispose()

    assert sent == before != []
    _, value = cell_message(sent[0], BY_DATE)
    assert "by-date/7" == CELLS.decode(value)["profile"]
    assert counts == [len(before), 0]
