"""A filled store and the feed on it."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.ioc.feeds import Feed, running
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.trust import LogView
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures

EVENTS = history(random.Random(4), dossiers=60)
HALF = len(EVENTS) // 2
LEVEL = LogView(NOW, 0, (ConnectorStatus("twin", NOW, NOW, {}, poll=1000),))
"""A log whose one connector is level, and of which all is counted."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A store in which the first half of EVENTS is counted."""
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, EVENTS[:HALF])
    yield engine
    engine.dispose()


@pytest.fixture
def figures(store: Engine) -> Iterator[Figures]:
    """Its figures, through a read-only engine as in the feed."""
    engine = open_store(str(store.url), read_only=True)
    yield Figures(engine, SIMPLE, CALENDAR, lambda: NOW, log=lambda: LEVEL)
    engine.dispose()


@pytest.fixture
def feed(figures: Figures) -> Iterator[Feed]:
    """A running feed."""
    with running(figures, NOW) as running_feed:
        yield running_feed
