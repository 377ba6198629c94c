"""Many costly questions at a time: few are worked on, and the others hold nobody up."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from tests.ioc.feeds import Feed, running
from tests.store.rates.history import NOW
from tests.waiting import wait_until

from lgsp.store.figures.answers import Figures, Question

Answer = tuple[int, dict[str, str], bytes]


class Held:
    """Keeps questions about the past from being answered until `free` is set."""

    def __init__(self, figures: Figures) -> None:
        self.asked: list[Question] = []
        self.at_once = self.most = 0
        self.free = threading.Event()
        self._lock = threading.Lock()
        self._indicators = figures.indicators
        figures.indicators = self.indicators  # type: ignore[method-assign]

    def indicators(self, question: Question) -> Any:
        if question.as_of is None:
            return self._indicators(question)
        with self._lock:
            self.asked.append(question)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.free.wait(30)
        with self._lock:
            self.at_once -= 1
        return self._indicators(question)


@pytest.fixture
def held(figures: Figures) -> Iterator[Held]:
    made = Held(figures)
    yield made
    made.free.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as made:
        yield made


def ask(pool: ThreadPoolExecutor, feed: Feed, minute: int) -> "Future[Answer]":
    return pool.submit(
        feed.get, f"/api/v1/indicators?as_of=2024-02-01T{minute // 60:02}:{minute % 60:02}"
    )


def test_sixty_clients_of_the_past_hold_up_no_one_else(
    figures: Figures, held: Held, pool: ThreadPoolExecutor
) -> None:
    with running(figures, NOW, patience=1.0) as feed:
        answers = [ask(pool, feed, minute) for minute in range(60)]
        wait_until("the first questions are worked on", lambda: held.at_once == 2, 10)
        assert feed.json("/readyz") == {"ok": True}
        assert feed.json("/api/v1/indicators")["counts"]["received"] > 0
        assert feed.json("/api/v1/explain?figure=open")["total"] > 0
        with feed.stream("/api/v1/stream") as events:
            assert events.next() is not None
        wait_until(
            "the others are refused", lambda: sum(answer.done() for answer in answers) == 58, 10
        )
        refused = [answer.result() for answer in answers if answer.done()]
        held.free.set()
        served = [answer.result(30)[0] for answer in answers].count(200)

    assert (2, 2) == (served, held.most)
    assert 58 == len(refused)
    for status, headers, body in refused:
        assert 503 == status
        assert int(headers["retry-after"]) >= 1
        assert "past instant" in json.loads(body)["detail"]


def test_a_question_that_is_being_answered_is_not_worked_on_again(
    figures: Figures, held: Held, pool: ThreadPoolExecutor
) -> None:
    with running(figures, NOW, patience=0.5) as feed:
        answers = [ask(pool, feed, 0) for _ in range(20)]
        wait_until("it is worked on", lambda: held.at_once == 1, 10)
        assert feed.json("/readyz") == {"ok": True}
        held.free.set()
        found = {answer.result(30)[::2] for answer in answers}

    assert 1 == len(held.asked)
    assert 1 == len(found)
    assert 200 == found.pop()[0]


def test_a_feed_told_to_stop_waits_for_no_costly_question(
    figures: Figures, held: Held, pool: ThreadPoolExecutor
) -> None:
    with running(figures, NOW, patience=30) as feed:
        answers = [ask(pool, feed, minute) for minute in range(3)]
        wait_until("two are worked on", lambda: held.at_once == 2, 10)
    # `running` has seen the server's thread end while the questions were still held.
    found = [answer.result(10) for answer in answers]

    assert not held.free.is_set()
    assert {503} == {status for status, _headers, _body in found}
    assert all(b"being stopped" in body for _status, _headers, body in found)


def test_a_store_that_does_not_answer_is_told_and_takes_no_more_threads(
    figures: Figures, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgsp.ioc.routes._COSTLY_WITHIN", 0.2)
    monkeypatch.setattr("lgsp.ioc.routes._READY_WITHIN", 0.2)
    stopped = threading.Event()
    marker = figures.marker

    def hangs() -> Any:
        stopped.wait(60)
        return marker()

    with running(figures, NOW, patience=0.2) as feed:
        monkeypatch.setattr(figures, "marker", hangs)
        for words in ("no answer within 0.2 s", "are being answered"):  # the first keeps its turn
            status, headers, body = feed.get("/readyz")
            assert (status, headers["retry-after"]) == (503, "2")
            assert words in json.loads(body)["detail"]
        for minute in range(4):
            status, _, body = feed.get(f"/api/v1/indicators?as_of=2024-02-01T00:0{minute}")
            assert status == 503, body
        assert held.most == 2
        stopped.set()
        held.free.set()
        wait_until("it is ready again", lambda: feed.get("/readyz")[0] == 200)
        wait_until(
            "the past is answered again",
            lambda: feed.get("/api/v1/indicators?as_of=2024-02-01T00:09")[0] == 200,
        )
