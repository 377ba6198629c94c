"""The streams: signs of life, several questions over one, and what one client may open."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine
from tests.ioc.conftest import EVENTS, HALF
from tests.ioc.feeds import Events, Feed, running
from tests.store.filled import fill
from tests.store.rates.history import NOW
from tests.waiting import wait_until

from lgsp.domain.errors import ConfigurationError, LgspError, RetryableError
from lgsp.domain.figures import Indicators
from lgsp.store.figures.answers import Figures, Question

WALL = {"X-Forwarded-For": "10.0.0.9"}


def days(count: int, start: int = 0) -> list[str]:
    first = date(2024, 1, 1) + timedelta(days=start)
    return [f"period={first + timedelta(days=n)}" for n in range(count)]


def many(questions: list[str]) -> str:
    return f"/api/v1/streams?{urlencode([('q', q) for q in questions])}"


@contextmanager
def opened(feed: Feed, path: str, **headers: str) -> Iterator[tuple[int, Events]]:
    """Open a stream; its socket is closed at the end, and the feed sees that."""
    connection = HTTPConnection("127.0.0.1", feed.port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    try:
        yield answer.status, Events(answer)
    finally:
        answer.close()
        connection.close()


def test_a_quiet_stream_gives_signs_of_life(feed: Feed) -> None:
    with opened(feed, "/api/v1/stream") as (_status, events):
        assert b": begin\n" == events.answer.readline()
        assert events.next() is not None
        assert b": beat\n" == events.answer.readline()


def test_the_figures_are_sent_again_while_they_stand(figures: Figures) -> None:
    with running(figures, NOW, repeat=0.2) as feed, opened(feed, "/api/v1/stream") as (_, events):
        first, again = events.next(), events.next()

    assert first is not None
    assert again is not None
    assert first["id"] == again["id"]


def test_several_questions_come_over_one_stream(feed: Feed, store: Engine) -> None:
    asked = ["period=all&unit=H37.1", "unit=H37&period=2024-Q1", ""]
    with opened(feed, many(asked)) as (_status, events):
        before = [json.loads((events.next() or {})["data"]) for _ in asked]
        fill(store, EVENTS[HALF:])
        after = [json.loads((events.next() or {})["data"]) for _ in asked]

    assert set(asked) == {said["q"] for said in before} == {said["q"] for said in after}
    for said in after:
        query = f"?{said['q']}" if said["q"] else ""
        figures = feed.json(f"/api/v1/indicators{query}")
        assert figures["counts"] == said["document"]["counts"]
        assert figures["scope"] == said["document"]["scope"]


def test_one_question_that_is_refused_takes_nothing_from_the_others(feed: Feed) -> None:
    bad = ["period=2024-H3", "unit=H37.99", "perod=2024", "unit=H37&unit=H37.1", "profile=x"]
    with opened(feed, many([*bad, "period=all"])) as (status, events):
        said = [events.next() or {} for _ in range(6)]

    assert 200 == status
    assert ["refused"] * 5 + ["indicators"] == [event["event"] for event in said]
    for question, event in zip(bad, said, strict=False):
        refusal = json.loads(event["data"])
        assert (question, 400) == (refusal["q"], refusal["status"])
        assert refusal["detail"] == json.loads(feed.get(f"/api/v1/stream?{question}")[2])["detail"]


def test_a_question_that_cannot_be_answered_now_is_not_refused_for_good(
    feed: Feed, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_busy(_scope: object) -> None:
        raise RetryableError("6 questions are being answered")

    with ExitStack() as held:
        with monkeypatch.context() as patched:
            patched.setattr(figures.scopes, "lacks", be_busy)
            path = many(["period=all", "unit=H37"])
            _status, events = held.enter_context(opened(feed, path))
            first = [events.next(), events.next()]
        assert {"unavailable"} == {event["event"] for event in first if event}
        answered: set[str] = set()
        while answered != {"period=all", "unit=H37"}:
            event = events.next()
            assert event is not None
            if event["event"] == "indicators":
                answered.add(json.loads(event["data"])["q"])


def test_what_is_no_list_of_questions_is_refused(feed: Feed) -> None:
    for path in ("/api/v1/streams", many(days(33)), many(["x" * 3000]), "/api/v1/streams?x=1"):
        status, _headers, body = feed.get(path)

        assert 400 == status
        assert "detail" in json.loads(body)


def test_invented_units_open_no_stream_and_keep_no_wall_out(feed: Feed) -> None:
    for n in range(199):
        assert 400 == feed.head_or_get(f"/api/v1/stream?unit=H37.{n + 1000}")[0]
    with feed.stream("/api/v1/stream?unit=H37.1") as events:
        assert events.next() is not None


def test_one_client_opens_so_many_questions_and_keeps_no_other_out(figures: Figures) -> None:
    with running(figures, NOW, proxies="127.0.0.1") as feed, ExitStack() as held:
        for n in (0, 32):
            status, events = held.enter_context(opened(feed, many(days(32, n))))
            assert 200 == status
            assert events.next() is not None
        status, headers, body = feed.head_or_get("/api/v1/stream?period=2024-05-01")
        assert 429 == status
        assert int(headers["retry-after"]) >= 1
        assert "at most 64" in json.loads(body)["detail"]
        # What is followed already costs nothing; another client has room of its own.
        assert 200 == held.enter_context(opened(feed, f"/api/v1/stream?{days(1)[0]}"))[0]
        wall = held.enter_context(opened(feed, "/api/v1/stream?period=2024-05-01", **WALL))
        assert 200 == wall[0]
        assert wall[1].next() is not None

        held.pop_all().close()
        wait_until(
            "streams that are closed count no more",
            lambda: feed.head_or_get("/api/v1/stream?period=2024-05-02")[0] == 200,
            20,
        )


FULL = "/api/v1/stream?period=2024-05-01"
"""A question too many, when one client follows 64."""


@pytest.mark.parametrize(
    ("proxies", "said", "status"),
    [
        ("", "10.0.0.7", 429),  # nobody is believed
        ("10.9.0.0/16", "10.0.0.7", 429),  # the one who says so is no proxy
        ("127.0.0.1", "10.0.0.7", 200),
        ("127.0.0.0/8, 10.9.0.0/16", "10.0.0.7, 10.9.1.1", 200),  # two proxies in a row
        ("127.0.0.1", "10.0.0.7, 10.0.0.1", 429),  # the client's own word stands before
        ("127.0.0.1", "10.0.0.1:4711", 429),
        ("127.0.0.1", "another word", 200),
    ],
)
def test_a_client_is_whom_a_named_proxy_names(
    figures: Figures, proxies: str, said: str, status: int
) -> None:
    with running(figures, NOW, proxies=proxies) as feed, ExitStack() as held:
        for n in (0, 32):
            path = many(days(32, n))
            first = {"X-Forwarded-For": "10.0.0.1"}
            assert 200 == held.enter_context(opened(feed, path, **first))[0]

        assert status == held.enter_context(opened(feed, FULL, **{"X-Forwarded-For": said}))[0]


def test_what_others_go_on_with_counts_for_them(figures: Figures) -> None:
    other = {"X-Forwarded-For": "10.0.0.2"}
    with running(figures, NOW, proxies="127.0.0.1") as feed, ExitStack() as held:
        for n in (0, 32):
            with opened(feed, many(days(32, n)), **WALL) as (status, events):
                assert (200, True) == (status, events.next() is not None)
                followed = held.enter_context(opened(feed, many(days(32, n)), **other))
                assert 200 == followed[0]

        def status_of(client: dict[str, str]) -> int:
            with opened(feed, FULL, **client) as (status, _events):
                return status

        wait_until("the one who left has room", lambda: status_of(WALL) == 200, 20)
        assert 429 == status_of(other)


def test_words_in_place_of_addresses_are_one_client(figures: Figures) -> None:
    with running(figures, NOW, proxies="127.0.0.1") as feed, ExitStack() as held:
        for n in (0, 32):
            word = {"X-Forwarded-For": f"nobody-{n}"}
            assert 200 == held.enter_context(opened(feed, many(days(32, n)), **word))[0]
        status, events = held.enter_context(opened(feed, FULL, **{"X-Forwarded-For": "<b>"}))

        assert 429 == status
        assert "a client without an address" in json.loads(events.answer.read())["detail"]


def test_one_client_opens_so_many_streams_and_keeps_no_other_out(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgsp.ioc.stream._MOST_STREAMS", 3)
    with running(figures, NOW, proxies="127.0.0.1") as feed, ExitStack() as held:
        for _ in range(3):
            assert 200 == held.enter_context(opened(feed, "/api/v1/stream"))[0]
        assert 429 == held.enter_context(opened(feed, "/api/v1/stream"))[0]
        assert 200 == held.enter_context(opened(feed, "/api/v1/stream", **WALL))[0]


@pytest.mark.parametrize("error", [RetryableError("away"), ConfigurationError("another profile")])
def test_a_store_that_cannot_be_read_is_told_and_the_stream_goes_on(
    feed: Feed, figures: Figures, store: Engine, monkeypatch: pytest.MonkeyPatch, error: LgspError
) -> None:
    def refuse(_question: object) -> None:
        raise error

    with opened(feed, many(["period=all"])) as (_status, events), ExitStack() as quiet:
        plain = quiet.enter_context(opened(feed, "/api/v1/stream"))[1]
        before, _ = events.next(), plain.next()
        with monkeypatch.context() as patched:
            patched.setattr(figures, "indicators", refuse)
            said = events.next()
            comments = [plain.answer.readline().decode() for _ in range(4)]
            fill(store, EVENTS[HALF:])
        after, plain_after = events.next(), plain.next()

    assert before is not None
    assert said is not None
    assert after is not None
    assert plain_after is not None
    body = {"q": "period=all", "detail": str(error)}
    assert ("unavailable", body) == (said["event"], json.loads(said["data"]))
    assert f": unavailable: {error}\n" in comments
    assert "indicators" == after["event"] == plain_after["event"]
    assert json.loads(after["data"])["id"] != json.loads(before["data"])["id"]


def test_a_defect_in_one_question_is_told_and_stops_no_other(
    feed: Feed, figures: Figures, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = figures.indicators

    def fail_for_one(question: Question) -> Indicators:
        if question.scope.unit:
            raise ValueError("a value that nobody foresaw")
        return make(question)

    def of(events: Events, event: str, q: str) -> dict[str, object]:
        while (said := events.next()) is not None:
            body: dict[str, object] = json.loads(said["data"])
            if (said["event"], body["q"]) == (event, q):
                return body
        raise AssertionError("the stream has ended")

    with opened(feed, many(["period=all", "unit=H37.1"])) as (_status, events):
        before = of(events, "indicators", "period=all")
        with monkeypatch.context() as patched:
            patched.setattr(figures, "indicators", fail_for_one)
            trouble = of(events, "unavailable", "unit=H37.1")
            fill(store, EVENTS[HALF:])
            while (after := of(events, "indicators", "period=all"))["id"] == before["id"]:
                continue  # the figures that stand are sent again
        assert "a defect of the feed (ValueError); its log has more" == trouble["detail"]
        assert of(events, "indicators", "unit=H37.1")["id"] != after["id"]
