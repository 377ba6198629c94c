"""The months of a period: each of them, and only them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ioc.feeds import Feed, running
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import DAY, START

from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.period import months_between
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures

NOW = START + 1042 * DAY  # in November 2026


def received(n: int, at: int) -> DossierEvent:
    return with_id(
        DossierEvent(
            portal="twin",
            province="H37",
            dossier_code=f"H37.1-240108-{n:04d}",
            agency="H37.1",
            procedure="1.000001",
            domain="G01-AA01",
            channel=Channel.ONLINE,
            status=Status(2),
            occurred_at=at,
            observed_at=at,
            received_at=at,
            due_at=at + DAY,
        )
    )


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """A dossier open since January 2024, one of September 2026, two of November."""
    url = f"sqlite:///{tmp_path / 'rates.db'}"
    engine = open_store(url)
    fill(
        engine, [received(n, START + day * DAY) for n, day in enumerate((0, 970, 1035, 1036))], NOW
    )
    engine.dispose()
    engine = open_store(url, read_only=True)
    with running(Figures(engine, SIMPLE, CALENDAR, lambda: NOW), NOW) as running_feed:
        yield running_feed
    engine.dispose()


def test_an_old_open_dossier_brings_no_month_of_another_year(feed: Feed) -> None:
    document = feed.json("/api/v1/indicators/months?period=2026-11")

    assert ["2026-11"] == [row["month"] for row in document["months"]]
    assert (2, 2) == tuple(document["months"][0]["counts"][name] for name in ("received", "open"))
    assert (0, 2) == tuple(document["earlier"]["counts"][name] for name in ("received", "open"))
    whole = feed.json("/api/v1/indicators?period=2026-11")["counts"]
    assert whole["open"] == 4


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026", "2026-01", "2026-12"),
        ("2026-Q4", "2026-10", "2026-12"),
        ("2026-08-15..2026-10", "2026-08", "2026-10"),
        ("2026-11-20", "2026-11", "2026-11"),
        ("2025-H2", "2025-07", "2025-12"),
        ("all", "2024-01", "2026-11"),
        ("1000..3000", "2024-01", "2026-11"),
    ],
)
def test_each_month_of_the_period_is_there(feed: Feed, period: str, first: str, last: str) -> None:
    document = feed.json(f"/api/v1/indicators/months?period={period}")
    counts = feed.json(f"/api/v1/indicators?period={period}")["counts"]
    months = [row["month"] for row in document["months"]]
    rows = [*document["months"], document["earlier"]]

    assert months_between(first, last) == months
    assert counts == {name: sum(row["counts"][name] for row in rows) for name in counts}


def test_a_month_without_dossiers_has_no_rate(feed: Feed) -> None:
    rows = feed.json("/api/v1/indicators/months?period=2026-H2")["months"]
    rates = {row["month"]: row["rates"]["filing_rate"]["value"] for row in rows}

    assert (100.0, None, 100.0, None) == tuple(
        rates[f"2026-{m}"] for m in ("09", "10", "11", "12")
    )


def test_a_period_long_before_anything_has_no_row(feed: Feed) -> None:
    assert [] == feed.json("/api/v1/indicators/months?period=1000..1900")["months"]
