"""What the feed does with parameters: each is applied or refused by name, whatever it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ioc.conftest import EVENTS
from tests.ioc.feeds import Feed, running
from tests.store.filled import CALENDAR, fill, wake
from tests.store.rates.history import NOW

from lgsp.domain.period import show_instant
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures

SCOPED = {"period", "unit", "domain", "procedure", "profile"}
TAKEN = {
    "/api/v1/indicators": SCOPED | {"as_of"},
    "/api/v1/indicators/units": SCOPED,
    "/api/v1/indicators/months": SCOPED,
    "/api/v1/explain": SCOPED | {"as_of", "figure", "part", "after", "limit"},
    "/api/v1/transitions": {"verdict", "unit", "portal", "profile", "after", "limit"},
    "/api/v1/stream": SCOPED,
}
NAMES = sorted(set().union(*TAKEN.values()))
GOOD = st.sampled_from(
    [
        "",
        "all",
        "2024",
        "2024-Q1",
        "H37",
        "H37.1",
        "simple",
        "open",
        "numerator",
        "1",
        "2024-02-01",
    ]
)
VALUES = st.one_of(
    GOOD,
    st.text(max_size=12),
    st.text(st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Nd"]), max_size=4),
    st.builds(lambda c, n: c * n, st.characters(codec="utf-8"), st.sampled_from([299, 301, 700])),
    st.from_regex(r"\d{4}(-(H|Q)?\d{1,2})?(\.\.\d{4})?", fullmatch=True),
    st.integers().map(str),
)
QUERIES = st.lists(st.tuples(st.sampled_from([*NAMES, "", "Period", "x"]), VALUES), max_size=4)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feed]:
    """A feed for many questions that change nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('asked') / 'rates.db'}"
    engine = open_store(url)
    fill(engine, EVENTS)
    engine.dispose()
    engine = open_store(url, read_only=True)
    with running(Figures(engine, SIMPLE, CALENDAR, lambda: NOW), NOW) as running_feed:
        yield running_feed
    engine.dispose()


@given(path=st.sampled_from(sorted(TAKEN)), query=QUERIES)
def test_any_value_is_answered_or_refused_by_name(
    feed: Feed, path: str, query: list[tuple[str, str]]
) -> None:
    asked = urlencode([(n, v.encode("utf-8", "replace")) for n, v in query])
    status, headers, body = feed.head_or_get(f"{path}?{asked}")

    assert status in {200, 400}, body
    names = [name for name, _value in query]
    if set(names) - TAKEN[path] or len(set(names)) < len(names):
        assert 400 == status
    if 400 == status:
        refusal = json.loads(body)
        assert set(refusal) == {"detail", "parameter", "value"}
        assert refusal["parameter"] in refusal["detail"]
        assert len(refusal["detail"]) < 2000
        assert refusal["detail"].isprintable() or "\n" in refusal["detail"]
    assert "application/json" in headers["content-type"] or path.endswith("stream")


@pytest.mark.parametrize(
    ("query", "parameter", "value"),
    [
        ("unit=H37.99", "unit", "H37.99"),
        ("unit=H3", "unit", "H3"),
        ("domain=X", "domain", "X"),
        ("procedure=9.999999", "procedure", "9.999999"),
        ("unit=H37&domain=G01-AA01&procedure=1.00000", "procedure", "1.00000"),
    ],
)
def test_a_scope_that_nothing_was_counted_for_is_refused(
    feed: Feed, query: str, parameter: str, value: str
) -> None:
    for path in ("indicators", "indicators/units", "indicators/months", "stream"):
        status, _headers, body = feed.get(f"/api/v1/{path}?{query}")
        refusal = json.loads(body)

        assert 400 == status
        assert (parameter, value) == (refusal["parameter"], refusal["value"])
        assert f"{value!r} has no dossier here" in refusal["detail"]
    assert feed.get(f"/api/v1/explain?figure=open&{query}")[0] == 400


def test_a_store_that_has_counted_nothing_yet_refuses_no_unit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rates.db'}"
    engine = open_store(url)
    wake(engine, NOW)  # opens its partitions, and counts nothing
    engine.dispose()
    engine = open_store(url, read_only=True)
    with running(Figures(engine, SIMPLE, CALENDAR, lambda: NOW), NOW) as empty:
        document = empty.json("/api/v1/indicators?unit=H37.1")
    engine.dispose()

    assert "insufficient" == document["trust"]


def test_a_day_is_asked_for_in_either_form_and_means_its_end(feed: Feed) -> None:
    dashed = feed.json("/api/v1/indicators?as_of=2024-02-01")
    assert "2024-02-01T16:59:59.999Z" == dashed["as_of"]
    assert dashed == feed.json("/api/v1/indicators?as_of=20240201")


def test_today_is_now_and_what_comes_after_is_refused(feed: Feed) -> None:
    today = (show_instant(NOW + 7 * 3_600_000) or "")[:10]
    tomorrow = (show_instant(NOW + 31 * 3_600_000) or "")[:10]
    now = feed.json("/api/v1/indicators")

    assert now == feed.json(f"/api/v1/indicators?as_of={today}")
    assert now == feed.json(f"/api/v1/indicators?as_of={today.replace('-', '')}")
    for later in (tomorrow, "20900101", f"{today}T23:59:59"):
        status, _headers, body = feed.get(f"/api/v1/indicators?as_of={later}")
        assert 400 == status
        assert "future" in json.loads(body)["detail"]


def test_a_plus_that_came_as_a_blank_is_told(feed: Feed) -> None:
    status, _headers, body = feed.get("/api/v1/indicators?as_of=2024-02-01T00:00+07:00")

    assert 400 == status
    assert "%2B" in json.loads(body)["detail"]
    assert feed.json("/api/v1/indicators?as_of=2024-02-01T00:00%2B07:00")


def test_the_contract_tells_of_our_refusals(feed: Feed) -> None:
    for path in feed.json("/openapi.json")["paths"].values():
        assert "422" not in path["get"]["responses"]
    assert "400" in feed.json("/openapi.json")["paths"]["/api/v1/explain"]["get"]["responses"]
