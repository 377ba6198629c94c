"""The feed's promises, asked over HTTP of a running server."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine
from tests.domain.profiles.by_date import BY_DATE
from tests.ioc.conftest import EVENTS, HALF
from tests.ioc.feeds import Feed, running
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW
from tests.waiting import wait_until

from lgsp.domain.figures import Scope
from lgsp.domain.period import parse_period
from lgsp.domain.profiles.registry import PROFILES
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.ioc.feed import PAGE
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures, Question

_COLUMNS = {
    "dossier",
    "portal",
    "agency",
    "procedure",
    "status",
    "received_at",
    "due_at",
    "finished_at",
    "counted_as",
    "reason",
}


def test_the_feed_says_what_the_store_says(feed: Feed, figures: Figures) -> None:
    asked = Question(parse_period("2024-Q1"), Scope("H37.1", procedure="1.000001"))

    document = feed.json("/api/v1/indicators?period=2024-Q1&unit=H37.1&procedure=1.000001")

    assert figures.indicators(asked).document() == document


def test_a_past_instant_can_be_asked_for(feed: Feed) -> None:
    then = feed.json("/api/v1/indicators?as_of=2024-02-01")
    now = feed.json("/api/v1/indicators")

    assert then["as_of"] == "2024-02-01T16:59:59.999Z"
    assert then["counts"]["received"] < now["counts"]["received"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("period=2024-H3", "2024-H3"),
        ("profile=qd766", ", ".join(sorted(PROFILES))),
        ("as_of=soon", "soon"),
        ("as_of=2090-01-01", "future"),
        ("perod=2024", "'perod' is none of: period"),
        ("as-of=2024-02-01", "'as-of' is none of: period"),
        ("unit=H37.1&unit=H37.2", "'unit' is given 2 times"),
    ],
)
def test_a_bad_question_is_refused_by_name(feed: Feed, query: str, word: str) -> None:
    for path in ("indicators", "explain"):
        asked = "figure=open&" if path == "explain" else ""
        status, _headers, body = feed.get(f"/api/v1/{path}?{asked}{query}")

        assert status == 400
        assert word in json.loads(body)["detail"]


def test_the_profile_asked_for_is_the_one_that_is_served(
    figures: Figures, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROFILES, BY_DATE.name, BY_DATE)
    named = feed.json("/api/v1/indicators?profile=simple")
    for path in ("indicators", "indicators/units", "indicators/months", "stream"):
        status, _headers, body = feed.get(f"/api/v1/{path}?profile=by-date")

        assert status == 400
        assert "'by-date' is not served here: 'simple' is" in json.loads(body)["detail"]
    assert named == feed.json("/api/v1/indicators")
    for path in ("indicators", "indicators/units", "indicators/months", "explain?figure=open"):
        assert figures.profile.document() == feed.json(f"/api/v1/{path}")["profile"]


def test_a_store_of_another_profile_is_never_read(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(Figures(store, BY_DATE, CALENDAR, lambda: NOW), NOW) as feed:
        status, _headers, body = feed.get("/api/v1/indicators")

    assert status == 400
    assert "lgsp rebuild" in json.loads(body)["detail"]


def test_a_bad_figure_or_period_is_refused_before_a_stream_begins(feed: Feed) -> None:
    assert feed.get("/api/v1/stream?period=x")[0] == 400
    assert feed.get("/api/v1/explain?figure=x")[0] == 400
    assert feed.get("/api/v1/explain")[0] == 400


def test_pages_of_a_list_sum_to_the_figure_and_name_no_person(feed: Feed) -> None:
    counts = feed.json("/api/v1/indicators")["counts"]
    assert any(counts.values())
    for figure in counts:
        rows = []
        path = f"/api/v1/explain?figure={figure}&limit=11"
        page = feed.json(path)
        rows += page["dossiers"]
        while page["next"]:
            page = feed.json(f"{path}&after={page['next']}")
            rows += page["dossiers"]

        assert counts[figure] == len(rows)
        assert {frozenset(row) for row in rows} <= {frozenset(_COLUMNS)}


def test_units_and_months_sum_to_the_figures(feed: Feed) -> None:
    counts = feed.json("/api/v1/indicators?unit=H37")["counts"]
    units = feed.json("/api/v1/indicators/units?unit=H37")["units"]
    months = feed.json("/api/v1/indicators/months?unit=H37")["months"]

    assert any(counts.values())
    for rows in (units, months):
        assert counts == {name: sum(row["counts"][name] for row in rows) for name in counts}


def test_an_unchanged_document_is_not_sent_again(feed: Feed, store: Engine) -> None:
    _status, headers, first = feed.get("/api/v1/indicators")
    same, _headers, nothing = feed.get("/api/v1/indicators", **{"If-None-Match": headers["etag"]})
    fill(store, EVENTS[HALF:])

    def changed() -> bool:  # an answer may be a cached second old
        status, _headers, body = feed.get(
            "/api/v1/indicators", **{"If-None-Match": headers["etag"]}
        )
        return status == 200 and body != first

    assert (304, b"") == (same, nothing)
    wait_until("the document has changed", changed, 10)


def test_a_change_is_pushed_to_every_client(feed: Feed, store: Engine) -> None:
    with feed.stream("/api/v1/stream") as one, feed.stream("/api/v1/stream?unit=H37.1") as two:
        before = [events.next() for events in (one, two)]
        fill(store, EVENTS[HALF:])
        after = [events.next() for events in (one, two)]

    for old, new, unit in zip(before, after, ("", "?unit=H37.1"), strict=True):
        assert old is not None
        assert new is not None
        assert old["event"] == new["event"] == "indicators"
        assert old["id"] != new["id"]
        assert (
            json.loads(new["data"])["counts"] == feed.json(f"/api/v1/indicators{unit}")["counts"]
        )


def test_a_client_that_comes_back_gets_only_what_it_missed(feed: Feed, store: Engine) -> None:
    with feed.stream("/api/v1/stream") as events:
        seen = events.next()
    assert seen is not None
    with feed.stream("/api/v1/stream", **{"Last-Event-ID": seen["id"]}) as events:
        fill(store, EVENTS[HALF:])
        missed = events.next()

    assert missed is not None
    assert seen["id"] != missed["id"]


def test_a_hundred_dashboards_make_one_sum(figures: Figures, feed: Feed) -> None:
    asked = threading.Semaphore(0)
    answer = figures.indicators

    def counted(question: Question) -> object:
        asked.release()
        return answer(question)

    figures.indicators = counted  # type: ignore[method-assign,assignment]
    with ThreadPoolExecutor(20) as pool:
        bodies = list(pool.map(lambda _n: feed.get("/api/v1/indicators")[2], range(100)))
    sums = 0
    while asked.acquire(blocking=False):
        sums += 1

    assert len(bodies) == 100
    assert sums <= 30  # one each 50 ms at most


def test_a_store_that_is_not_there_yet_is_unready_and_not_zero(tmp_path: object) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/none.db", read_only=True)
    with running(Figures(engine, SIMPLE, CALENDAR, lambda: NOW), NOW) as feed:
        assert [feed.get(path)[0] for path in ("/healthz", "/readyz", "/api/v1/indicators")] == [
            200,
            503,
            503,
        ]
    engine.dispose()


def test_the_page_needs_nothing_from_elsewhere(feed: Feed) -> None:
    status, headers, body = feed.get("/")

    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert b"<main" in body
    for file in PAGE.iterdir():
        assert feed.get(f"/page/{file.name}")[0] == 200
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text


def test_the_contract_and_the_metrics_are_there(feed: Feed) -> None:
    paths = feed.json("/openapi.json")["paths"]
    feed.json("/api/v1/indicators")
    feed.get("/nothing/here")
    _status, _headers, metrics = feed.get("/metrics")

    assert {"/api/v1/indicators", "/api/v1/stream", "/api/v1/explain"} <= set(paths)
    assert b'lgsp_feed_request_seconds_count{route="/api/v1/indicators",status="200"}' in metrics
    assert b'route="other",status="404"' in metrics
    assert feed.get("/docs")[0] == 404
