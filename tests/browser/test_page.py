"""The page in a real Chromium, on a real feed and a filled store."""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine
from tests.browser.seen import value, wait_for
from tests.ioc.conftest import EVENTS, HALF
from tests.ioc.feeds import Feed, running
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.trust import LogView
from lgsp.store.figures.answers import Figures

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


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
    page.wait_for_function("() => location.search.includes('unit=H37.2')")

    assert codes == ["H37.1", "H37.2", "H37.3"]
    assert page.get_attribute("#units thead th:first-child", "aria-sort") == "ascending"


def test_a_unit_opens_in_a_window_of_its_own_with_the_same_question(
    page: "Page", feed: Feed
) -> None:
    page.goto(f"{feed.url}/?unit=H37&period=2024-Q1")
    page.wait_for_selector("#units tbody tr")
    with page.context.expect_page() as opened:
        page.click("#units tbody a >> nth=0", modifiers=["Control"])
    other = opened.value
    other.wait_for_load_state()

    assert {"unit": ["H37.1"], "period": ["2024-Q1"]} == parse_qs(urlsplit(other.url).query)
    assert {"unit": ["H37"], "period": ["2024-Q1"]} == parse_qs(urlsplit(page.url).query)
    wait_for(other, feed, "?unit=H37.1&period=2024-Q1")


def test_periods_that_were_refused_are_asked_for_again(page: "Page", feed: Feed) -> None:
    refusals = [503, 503]  # as it opens, and as it is live

    def busy_twice(route: "Route") -> None:
        if refusals:
            route.fulfill(status=refusals.pop(), json={"detail": "busy"})
        else:
            route.continue_()

    page.route("**/indicators/months?period=all", busy_twice)
    page.goto(f"{feed.url}/?period=2024-Q1")

    page.wait_for_selector("#period option[value='2024-01']", state="attached")
    assert "2024-Q1" == page.input_value("#period")


def test_a_page_that_the_feed_no_longer_has_is_loaded_anew(page: "Page", feed: Feed) -> None:
    page.goto(feed.url)
    page.wait_for_selector("#units tbody tr")
    page.evaluate("() => { window.old = true; }")

    def answer_as_another_version(route: "Route") -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "lgsp-page": "another"})

    page.route("**/indicators/units?**", answer_as_another_version)
    with page.expect_event("load"):
        page.select_option("#period", "2024")
    page.wait_for_function("() => !window.old")
    wait_for(page, feed, "?period=2024")

    page.evaluate("() => { window.old = true; }")
    page.select_option("#period", "all")  # the other version answers again: it is not a loop
    page.wait_for_selector("#units tbody tr")
    wait_for(page, feed)
    assert page.evaluate("() => window.old")


CLOCK_SET_BACK = """() => { const now = Date.now; Date.now = () => now() - 3_600_000; }"""


def test_tables_are_drawn_anew_although_the_clock_was_set_back(
    page: "Page", feed: Feed, store: Engine
) -> None:
    page.goto(feed.url)
    page.wait_for_selector("#units tbody tr")
    page.evaluate(CLOCK_SET_BACK)
    fill(store, EVENTS[HALF:])
    received = feed.json("/api/v1/indicators/units")["units"][0]["counts"]["received"]

    page.wait_for_function(
        "(n) => document.querySelector('#units tbody td').textContent === `${n}`", arg=received
    )


def test_a_lost_connection_is_shown_and_its_figures_are_never_full(
    page: "Page", figures: Figures
) -> None:
    with running(figures, NOW) as feed:
        page.goto(feed.url)
        wait_for(page, feed)
        assert page.is_hidden("#lost")
        assert "Đủ tin" == page.inner_text("#trust")
    page.wait_for_selector("#lost:visible")

    assert "Mất kết nối" in page.inner_text("#lost")
    assert "lost" in (page.get_attribute("body", "class") or "")
    assert "Tạm tính" == page.inner_text("#trust")
    assert "không đến được" in page.inner_text("#reasons")


def test_the_age_of_the_figures_is_shown(page: "Page", feed: Feed) -> None:
    page.goto(feed.url)
    wait_for(page, feed)

    assert re.fullmatch(r"\d+ giây trước", page.inner_text("#age"))
    assert "trước" in page.inner_text("#portals")


def test_every_reason_of_the_feed_is_shown_in_its_words(page: "Page", store: Engine) -> None:
    findings = (
        Finding(Reason.PORTAL_SILENT, "twin", at=NOW),
        Finding(Reason.FILES_REFUSED, "twin", "a.csv", 2),
        Finding(Reason.LOG_IS_SHORTER, detail="partition 3"),
    )
    log = LogView(at=NOW, backlog=7, findings=findings)
    with running(Figures(store, SIMPLE, CALENDAR, lambda: NOW, log=lambda: log), NOW) as feed:
        page.goto(f"{feed.url}/?period=2024-01-01")
        page.wait_for_selector("#reasons li")
        document = feed.json("/api/v1/indicators?period=2024-01-01")
        shown = page.locator("#reasons li").all_inner_texts()

    assert shown == [finding["vi"] for finding in document["trust_findings"]]
    assert {finding.vietnamese() for finding in findings} <= set(shown)
    assert len(shown) > len(findings)  # the backlog and the denominators, too


def test_it_works_by_keyboard_alone(page: "Page", feed: Feed) -> None:
    page.goto(feed.url)
    wait_for(page, feed)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.dataset.count") == "open":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#behind-rows tr")
    page.keyboard.press("Escape")

    assert page.is_hidden("#behind")
    assert page.evaluate("() => document.activeElement.dataset.count") == "open"


@pytest.mark.parametrize(("wide", "high"), [(1366, 768), (1920, 1080), (3840, 2160)])
def test_both_rates_and_the_trust_fit_on_a_desk_and_on_a_wall(
    page: "Page", feed: Feed, wide: int, high: int
) -> None:
    page.set_viewport_size({"width": wide, "height": high})
    page.goto(feed.url)
    wait_for(page, feed)
    page.wait_for_selector("#chart-rates path")

    for selector in ("[data-rate=filing_rate]", "[data-rate=on_time_rate]", "#trust", "#counts"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= high, selector
    assert page.evaluate("() => document.documentElement.scrollWidth") <= wide
    figure = page.locator("[data-rate=filing_rate] .value").bounding_box()
    assert figure is not None
    assert figure["height"] >= high / 20  # to be read from a distance
