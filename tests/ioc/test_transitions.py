"""The feed's list of transitions that are kept and change nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ioc.feeds import Feed, running
from tests.store.figures.test_transitions import CODES, EVENTS
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures
from lgsp.store.figures.transitions import Wanted

COLUMNS = {
    "dossier",
    "agency",
    "procedure",
    "portal",
    "status",
    "source_status",
    "occurred_at",
    "stated_at",
    "verdict",
    "reason",
}


@pytest.fixture
def figures(tmp_path: Path) -> Iterator[Figures]:
    """Figures of dossiers with every kind of transition that changes nothing."""
    url = f"sqlite:///{tmp_path / 'rates.db'}"
    engine = open_store(url)
    fill(engine, EVENTS)
    engine.dispose()
    engine = open_store(url, read_only=True)
    yield Figures(engine, SIMPLE, CALENDAR, lambda: NOW)
    engine.dispose()


@pytest.fixture
def feed(figures: Figures) -> Iterator[Feed]:
    with running(figures, NOW) as running_feed:
        yield running_feed


def test_pages_sum_to_the_total_and_name_no_person(feed: Feed, figures: Figures) -> None:
    rows, path = [], "/api/v1/transitions?limit=17"
    page = feed.json(path)
    rows += page["transitions"]
    while page["next"]:
        page = feed.json(f"{path}&after={page['next']}")
        rows += page["transitions"]

    assert 5 * len(CODES) == page["total"] == len(rows) == sum(page["counts"].values())
    assert {frozenset(COLUMNS)} == {frozenset(row) for row in rows}
    assert figures.transitions.without_effect(Wanted()).document()["transitions"] == rows


def test_a_list_can_be_narrowed(feed: Feed) -> None:
    page = feed.json("/api/v1/transitions?verdict=held&unit=H37.1&portal=one&limit=1000")

    assert {("held", "H37.1", "one")} == {
        (row["verdict"], row["agency"], row["portal"]) for row in page["transitions"]
    }
    assert page["counts"]["held"] == page["total"] == len(page["transitions"])


def test_one_dossier_is_shown_whole(feed: Feed) -> None:
    rows = feed.json(f"/api/v1/transitions/{CODES[0]}")["transitions"]
    status, _headers, body = feed.get("/api/v1/transitions/H37.1-240603-9999")

    assert [row["verdict"] for row in rows][:2] == ["legal", "unmapped"]
    assert 404 == status
    assert "H37.1-240603-9999" in json.loads(body)["detail"]


@pytest.mark.parametrize("given", ["12/TN-2024", "12%2FTN-2024"])
def test_a_code_may_hold_a_slash(feed: Feed, given: str) -> None:
    status, _headers, body = feed.get(f"/api/v1/transitions/{given}")

    assert 404 == status
    assert "dossier '12/TN-2024' is not in the store" == json.loads(body)["detail"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("verdict=legal", "'legal' is none of"),
        ("portal=three", "'three' is none of"),
        ("profile=qd766", "none of: simple"),
        ("after=x:y", "no place in this list"),
        ("period=2024", "'period' is none of"),
    ],
)
def test_a_bad_question_is_refused_by_name(feed: Feed, query: str, word: str) -> None:
    status, _headers, body = feed.get(f"/api/v1/transitions?{query}")

    assert status == 400
    assert word in json.loads(body)["detail"]
