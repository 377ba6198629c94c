"""Stores of evidence to test on: an SQLite file always, a real PostgreSQL under the marker."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from lgsp.store.evidence.opening import open_evidence
from tests.store.conftest import postgres_url, store_url

__all__ = ["postgres_url", "store_url"]


@pytest.fixture
def evidence(store_url: str) -> Iterator[Engine]:
    """An empty store of evidence."""
    opened = open_evidence(store_url)
    yield opened
    opened.dispose()
