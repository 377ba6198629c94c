"""Windows stay live, or are live again within seconds, whatever the path and the feed do."""

import json
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine
from tests.browser.conftest import OpenPage
from tests.browser.path import Path
from tests.browser.seen import wait_for, wait_live, wait_lost
from tests.ioc.conftest import EVENTS, HALF
from tests.ioc.feeds import Feed, running
from tests.store.filled import fill
from tests.store.rates.history import NOW
from tests.waiting import wait_until

from lgsp.domain.errors import RetryableError
from lgsp.store.figures.answers import Figures

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page

NO_WORKER = "delete globalThis.SharedWorker"
SOON = 15.0  # seconds: three times what is promised, for machines that are busy


@pytest.fixture(params=["shared", "own"])
def window(request: pytest.FixtureRequest, open_page: OpenPage) -> "Page":
    """A window with a shared worker, and one of a browser that has none."""
    page = open_page()
    if request.param == "own":
        page.add_init_script(NO_WORKER)
    return page


def test_a_path_that_freezes_is_left_for_a_new_one(
    window: "Page", path: Path, feed: Feed, store: Engine
) -> None:
    window.goto(path.url)
    wait_for(window, feed)
    path.freeze()
    began = time.monotonic()
    wait_until("a new stream is open", lambda: path.streams == 1, SOON)
    took = time.monotonic() - began
    wait_live(window)
    fill(store, EVENTS[HALF:])
    wait_for(window, feed)

    assert took < 8  # five are promised; a try over each connection that has frozen takes nine


def test_a_path_that_was_closed_is_live_again_when_it_opens(
    window: "Page", path: Path, feed: Feed, store: Engine
) -> None:
    window.goto(path.url)
    wait_for(window, feed)
    path.close()
    wait_lost(window)
    fill(store, EVENTS[HALF:])
    path.open()
    began = time.monotonic()
    wait_live(window)

    assert time.monotonic() - began < SOON
    wait_for(window, feed)


def test_a_broken_connection_is_replaced(window: "Page", path: Path, feed: Feed) -> None:
    window.goto(path.url)
    wait_for(window, feed)
    opened = path.opened
    path.cut()
    wait_until("another stream", lambda: path.opened > opened and path.streams == 1, SOON)
    wait_live(window)


def test_a_feed_that_is_started_again_is_followed_at_once(
    window: "Page", figures: Figures, store: Engine
) -> None:
    with Path(0) as path:
        with running(figures, NOW) as feed:
            path.target = feed.port
            window.goto(path.url)
            wait_for(window, feed)
        wait_lost(window)
        fill(store, EVENTS[HALF:])
        with running(figures, NOW) as feed:
            path.target = feed.port
            began = time.monotonic()
            wait_live(window)
            assert time.monotonic() - began < SOON
            wait_for(window, feed)


def test_twelve_windows_of_one_browser_share_one_stream(
    open_page: OpenPage, path: Path, feed: Feed, store: Engine
) -> None:
    scopes = ["", "?unit=H37", "?unit=H37.1", "?period=2024-Q1"] * 3
    pages = [open_page() for _ in scopes]
    for page, scope in zip(pages, scopes, strict=True):
        page.goto(f"{path.url}/{scope}")
    for page, scope in zip(pages, scopes, strict=True):
        wait_for(page, feed, scope)
        page.wait_for_selector("#units tbody tr, #refused:visible")
    wait_until("one stream is left", lambda: path.streams == 1, SOON)

    fill(store, EVENTS[HALF:])
    for page, scope in zip(pages, scopes, strict=True):
        wait_for(page, feed, scope)
    wait_until("one stream is left", lambda: path.streams == 1, SOON)


def test_windows_that_close_take_nothing_from_those_that_stay(
    open_page: OpenPage, path: Path, feed: Feed, store: Engine
) -> None:
    first, second = open_page(), open_page()
    for page in (first, second):
        page.goto(path.url)
        wait_for(page, feed)
    first.close()
    fill(store, EVENTS[HALF:])

    wait_for(second, feed)
    assert path.streams == 1


def test_the_death_of_the_shared_worker_is_outlived(
    context: "BrowserContext", open_page: OpenPage, feed: Feed, store: Engine
) -> None:
    pages = [open_page(), open_page()]
    for page in pages:
        page.goto(feed.url)
        wait_for(page, feed)
    _kill_worker(pages[0])
    fill(store, EVENTS[HALF:])

    for page in pages:
        wait_for(page, feed)
        wait_live(page)


def _kill_worker(page: "Page") -> None:
    session, worker = _worker(page)
    session.send("Target.closeTarget", {"targetId": worker})


def _worker(page: "Page") -> tuple["CDPSession", str]:
    browser = page.context.browser
    assert browser is not None
    session = browser.new_browser_cdp_session()
    targets = session.send("Target.getTargets")["targetInfos"]
    workers = [t["targetId"] for t in targets if t["type"] == "shared_worker"]
    assert 1 == len(workers)
    return session, workers[0]


FOLLOW = """([name]) => {
  const { port } = new SharedWorker("page/shared.js", { type: "module", name: "lgsp-live-1" });
  window[name] = { port, ticks: 0 };
  port.addEventListener("message", ({ data }) => { window[name].ticks += data.kind === "tick"; });
  port.start();
  port.postMessage({ q: "period=all" });
}"""
SLEPT = "{ const now = performance.now.bind(performance); performance.now = () => now() + 2e5; }"


def test_a_window_that_slept_until_it_was_forgotten_comes_again(
    page: "Page", feed: Feed, store: Engine
) -> None:
    """A sign of life alone must not keep it: it would hear ticks, and never a figure again."""
    page.goto(feed.url)
    wait_for(page, feed)
    page.evaluate(FOLLOW, ["asleep"])
    page.wait_for_function("() => asleep.ticks > 0")
    _in_worker(page, SLEPT)
    page.evaluate(FOLLOW, ["awake"])
    page.wait_for_function("() => awake.ticks > 0")  # by the same tick the others were forgotten
    page.evaluate("() => { asleep.ticks = awake.ticks = 0; asleep.port.postMessage({}); }")
    page.wait_for_function("() => awake.ticks > 1")
    fill(store, EVENTS[HALF:])

    assert 0 == page.evaluate("() => asleep.ticks")
    wait_for(page, feed)


def _in_worker(page: "Page", script: str) -> None:
    session, worker = _worker(page)
    answers: list[object] = []

    def hear(answer: object) -> None:
        answers.append(answer)

    session.on("Target.receivedMessageFromTarget", hear)
    attached = session.send("Target.attachToTarget", {"targetId": worker, "flatten": False})
    message = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": script}}
    sent = {"sessionId": attached["sessionId"], "message": json.dumps(message)}
    session.send("Target.sendMessageToTarget", sent)
    wait_until("the worker has done it", lambda: page.evaluate("() => true") and bool(answers))


def test_a_store_that_cannot_be_read_is_told(page: "Page", feed: Feed, figures: Figures) -> None:
    page.goto(feed.url)
    wait_for(page, feed)

    def refuse(_question: object) -> None:
        raise RetryableError("the store is away")

    figures.indicators = refuse  # type: ignore[method-assign,assignment]
    page.wait_for_selector("#unavailable:visible")

    assert "the store is away" in page.inner_text("#unavailable")
    wait_live(page)
