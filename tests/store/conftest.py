"""Stores to test on: an SQLite file always, a real PostgreSQL server under the marker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData

from lgsp.store.engine import open_store
from tests.postgres import PostgresServer, server_binaries
from tests.programs import missing


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a real PostgreSQL server started for the tests."""
    binaries = server_binaries()
    if binaries is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgresServer(binaries) as server:
        yield server.url


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty store of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    url: str = request.getfixturevalue("postgres_url")
    engine = open_store(url)
    left = MetaData()
    left.reflect(engine)
    left.drop_all(engine)
    engine.dispose()
    yield url


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    """An empty store."""
    opened = open_store(store_url)
    yield opened
    opened.dispose()
