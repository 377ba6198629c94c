"""A real Chromium, pages that allow no fault, and a feed behind a path that can fail."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from tests.browser.path import Path
from tests.ioc.conftest import feed, figures, store  # noqa: F401 - fixtures
from tests.ioc.feeds import Feed
from tests.programs import program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            # A window comes back at once: a server that ends may leave what it just accepted.
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """A headless Chromium of Debian's package."""
    chromium = program("chromium", "make browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: "Browser") -> Iterator["BrowserContext"]:
    """A browser of its own, whose windows share what windows of one browser share."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    yield opened
    opened.close()


OpenPage = Callable[[], "Page"]


@pytest.fixture
def open_page(context: "BrowserContext") -> Iterator[OpenPage]:
    """Opens pages; any script error, request to elsewhere or breach of the policy is a fault."""
    faults: list[str] = []

    def note(what: str, is_fault: bool) -> None:
        if is_fault:
            faults.append(what)

    def new() -> "Page":
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: note(said.text, "Security Policy" in said.text))
        page.on(
            "request",
            lambda request: note(request.url, not request.url.startswith("http://127.0.0.1:")),
        )
        page.set_default_timeout(15_000)
        return page

    yield new
    for page in context.pages:
        page.close()
    assert [] == faults


@pytest.fixture
def page(open_page: OpenPage) -> "Page":
    """An empty page."""
    return open_page()


@pytest.fixture
def path(feed: Feed) -> Iterator[Path]:  # noqa: F811
    """The network path to the feed."""
    with Path(feed.port) as opened:
        yield opened
