"""Windows stay live, or are live again within seconds, whatever the path and the feed do."""

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
    from playwright.sync_api import BrowserContext, Page

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
    browser = page.context.browser
    assert browser is not None
    session = browser.new_browser_cdp_session()
    targets = session.send("Target.getTargets")["targetInfos"]
    workers = [t["targetId"] for t in targets if t["type"] == "shared_worker"]
    assert 1 == len(workers)
    session.send("Target.closeTarget", {"targetId": workers[0]})


def test_a_store_that_cannot_be_read_is_told(page: "Page", feed: Feed, figures: Figures) -> None:
    page.goto(feed.url)
    wait_for(page, feed)

    def refuse(_question: object) -> None:
        raise RetryableError("the store is away")

    figures.indicators = refuse  # type: ignore[method-assign,assignment]
    page.wait_for_selector("#unavailable:visible")

    assert "the store is away" in page.inner_text("#unavailable")
    wait_live(page)
