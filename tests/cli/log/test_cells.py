"""Every cell is published again from the store, whoever counts meanwhile."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.cli.log import cells
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.processors.rates import Cells, publish_changed
from lgsp.store.engine import open_store
from lgsp.store.rates.cells import KEY, mark_all_changed, mark_published
from lgsp.store.rates.fold import RatesFold
from tests.store.conftest import engine, postgres_url, store_url  # noqa: F401 - fixtures
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history

EVENTS = history(random.Random(8), dossiers=60)


class Topic:
    """What was published: the newest value of each cell."""

    def __init__(self) -> None:
        self.values: dict[tuple[Any, ...], Any] = {}

    async def send(self, cells: Cells) -> None:
        for cell in cells:
            key = tuple(cell[name] for name in KEY)
            self.values[key] = {k: v for k, v in cell.items() if k != "dirty"}


def a_fold(engine: Engine) -> RatesFold:  # noqa: F811
    fold = RatesFold(engine, SIMPLE, "dossier-events", CALENDAR, lambda: NOW, lambda _: None)
    fold.open_partition(0)
    return fold


async def test_every_cell_is_published_again_and_what_changes_meanwhile_too(
    engine: Engine,  # noqa: F811
) -> None:
    fill(engine, EVENTS[:40])
    fold, first, second = a_fold(engine), Topic(), Topic()
    await publish_changed(fold, engine, first.send)
    assert await publish_changed(fold, engine, first.send) == 0

    fill(engine, EVENTS[40:50])
    under_way = fold.cells.take_dirty(engine, [0], 5000)
    assert mark_all_changed(engine) >= len(first.values)
    mark_published(engine, under_way)  # a worker had sent these before the mark
    fill(engine, EVENTS[50:])
    await publish_changed(fold, engine, second.send)

    assert first.values.keys() <= second.values.keys()
    assert await publish_changed(fold, engine, second.send) == 0
    with engine.connect() as connection:
        stored = list(connection.execute(fold.cells.view.select()).mappings())
    assert second.values == {
        tuple(cell[name] for name in KEY): {k: v for k, v in cell.items() if k != "dirty"}
        for cell in stored
    }


def test_an_empty_store_has_none(engine: Engine) -> None:  # noqa: F811
    a_fold(engine)
    assert mark_all_changed(engine) == 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(store, EVENTS)
    store.dispose()
    return tmp_path


@pytest.mark.kafka
def test_the_command_marks_all_and_says_where_they_cannot_go(
    broker: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGSP_BROKER", broker)
    words = ["cells", "publish", "--all", "--data", str(data), "--json"]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["cells"] > 0

    monkeypatch.setattr(cells, "RATE_CELLS", "nowhere")
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 1
    assert "there is no topic nowhere" in json.loads(done.stdout)["error"]["message"]
