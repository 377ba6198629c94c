"""The page in a real Chromium, on a real feed and a filled store."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine
from tests.ioc.conftest import EVENTS, HALF
from tests.ioc.feeds import Feed, running
from tests.programs import program
from tests.store.filled import fill
from tests.store.rates.history import NOW

from lgsp.store.figures.answers import Figures

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium of Debian's package."""
    chromium = program("chromium", "make browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """An empty page that fails its test on any script error or request to elsewhere."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            None if request.url.startswith("http://127.0.0.1:") else faults.append(request.url)
        ),
    )
    yield opened
    opened.close()
    assert faults == []


def value(page: "Page", rate: str) -> str:
    return page.inner_text(f"[data-rate={rate}] [data-value]")


def vietnamese(number: float | None) -> str:
    return f"{number:.1f}%".replace(".", ",")


def wait_for(page: "Page", feed: Feed) -> None:
    rates = feed.json("/api/v1/indicators")["rates"]
    for name, rate in rates.items():
        page.wait_for_function(
            "([name, text]) => document.querySelector(`[data-rate=${name}] [data-value]`)"
            ".textContent === text",
            arg=[name, vietnamese(rate["value"])],
        )


def test_the_page_shows_both_rates_and_follows_the_store(
    page: "Page", feed: Feed, store: Engine
) -> None:
    page.goto(feed.url)
    wait_for(page, feed)
    before = [value(page, name) for name in ("filing_rate", "on_time_rate")]
    page.wait_for_selector("#units tbody tr")
    page.wait_for_selector("#chart-counts rect")

    fill(store, EVENTS[HALF:])
    page.wait_for_function(
        "before => document.querySelector('[data-rate=filing_rate] [data-value]').textContent"
        " !== before",
        arg=before[0],
    )
    wait_for(page, feed)

    assert before != [value(page, name) for name in ("filing_rate", "on_time_rate")]
    assert page.inner_text("#trust") in {"Đủ tin", "Tạm tính"}


def test_a_number_opens_the_dossiers_behind_it(page: "Page", feed: Feed) -> None:
    counts = feed.json("/api/v1/indicators")["counts"]
    page.goto(feed.url)
    wait_for(page, feed)
    page.click("[data-count=open_overdue]")
    page.wait_for_selector("#behind-rows tr")

    assert f": {counts['open_overdue']} hồ sơ" in page.inner_text("#behind-title")
    assert counts["open_overdue"] == page.locator("#behind-rows tr").count()


def test_units_sort_by_keyboard_and_open_their_own_figures(page: "Page", feed: Feed) -> None:
    page.goto(f"{feed.url}/?unit=H37")
    page.wait_for_selector("#units tbody tr")
    page.focus("#units thead th:first-child button")
    page.keyboard.press("Enter")
    codes = page.locator("#units tbody th").all_inner_texts()
    page.click("#units tbody a >> nth=1")
    page.wait_for_function("location.search.includes('unit=H37.2')")

    assert codes == ["H37.1", "H37.2", "H37.3"]
    assert page.get_attribute("#units thead th:first-child", "aria-sort") == "ascending"


def test_a_lost_connection_is_shown(page: "Page", figures: Figures) -> None:
    with running(figures, NOW) as feed:
        page.goto(feed.url)
        wait_for(page, feed)
        assert page.is_hidden("#lost")
    page.wait_for_selector("#lost:visible")

    assert "Mất kết nối" in page.inner_text("#lost")
    assert "lost" in (page.get_attribute("body", "class") or "")
