"""The list behind a number, and the question of the page: of one answer, refused in words."""

import json
from typing import TYPE_CHECKING

import pytest
from tests.browser.path import Path
from tests.browser.seen import wait_for
from tests.ioc.feeds import Feed

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


def test_a_slow_list_that_was_closed_adds_no_rows_to_another(
    page: "Page", feed: Feed, path: Path
) -> None:
    held: dict[str, Route] = {}
    counts = feed.json("/api/v1/indicators")["counts"]
    page.route("**/api/v1/explain?*figure=open&*", lambda route: held.setdefault("route", route))
    page.goto(path.url)
    wait_for(page, feed)
    with page.expect_event("requestfailed", lambda request: "figure=open&" in request.url):
        page.click("[data-count=open]")
        page.wait_for_function("() => document.getElementById('behind-state').textContent !== ''")
        assert "Đang tải" in page.inner_text("#behind-state")
        page.click("#behind-close")
    page.click("[data-count=withdrawn]")
    page.wait_for_function(
        "() => document.getElementById('behind-state').textContent.startsWith('Đang hiện')"
    )
    total = counts["withdrawn"]

    assert page.inner_text("#behind-title").endswith(f": {total} hồ sơ")
    assert total == page.locator("#behind-rows tr").count()
    assert f"{total} / {total}" in page.inner_text("#behind-state")


def test_a_list_that_fails_says_so_and_can_be_asked_for_again(page: "Page", feed: Feed) -> None:
    counts = feed.json("/api/v1/indicators")["counts"]
    refusal = json.dumps({"detail": "2 questions for lists are being answered"})
    page.route(
        "**/api/v1/explain?*",
        lambda route: route.fulfill(status=503, body=refusal, content_type="application/json"),
        times=1,
    )
    page.goto(feed.url)
    wait_for(page, feed)
    page.click("[data-count=open]")
    page.wait_for_selector("[data-state=failed]")

    assert "2 questions for lists" in page.inner_text("#behind-state")
    assert "Thử lại" == page.inner_text("#behind-more")
    page.click("#behind-more")
    page.wait_for_selector("#behind-rows tr")
    assert page.inner_text("#behind-title").endswith(f": {counts['open']} hồ sơ")


def test_a_list_whose_path_breaks_says_so(page: "Page", feed: Feed) -> None:
    page.route("**/api/v1/explain?*", lambda route: route.abort())
    page.goto(feed.url)
    wait_for(page, feed)
    page.click("[data-count=open]")
    page.wait_for_selector("[data-state=failed]")

    assert "Không tải được" in page.inner_text("#behind-state")
    assert 0 == page.locator("#behind-rows tr").count()


def test_more_rows_come_by_pages(page: "Page", feed: Feed) -> None:
    received = feed.json("/api/v1/indicators")["rates"]["filing_rate"]["denominator"]
    assert received > 10
    page.route(
        "**/api/v1/explain?*",
        lambda route: route.continue_(url=route.request.url.replace("limit=50", "limit=10")),
    )
    page.goto(feed.url)
    wait_for(page, feed)
    page.click("[data-rate=filing_rate] [data-part=denominator]")
    for _ in range((received - 1) // 10):
        page.wait_for_selector("#behind-more:visible")
        page.click("#behind-more")
    page.wait_for_function(
        "n => document.querySelectorAll('#behind-rows tr').length === n", arg=received
    )


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("period=2024-H3", "2024-H3"),
        ("domain=X", "'X' has no dossier here"),
        ("unit=H37.99", "H37.99"),
        ("as_of=2024-02-01", "'as_of' is none of: period, unit"),
        ("perod=2024", "perod"),
        ("unit=H37.1&unit=H37.2", "given 2 times"),
    ],
)
def test_a_question_of_the_address_is_refused_in_the_feeds_words(
    page: "Page", feed: Feed, query: str, word: str
) -> None:
    page.goto(f"{feed.url}/?{query}")
    page.wait_for_selector("#refused:visible")

    assert word in page.inner_text("#refused")
    assert "…" == page.inner_text("[data-rate=filing_rate] [data-value]")
    page.click("#reset")
    wait_for(page, feed)
    assert page.is_hidden("#refused")


def test_a_domain_of_the_address_is_applied_and_can_be_dropped(page: "Page", feed: Feed) -> None:
    query = "?domain=G01-AA01&procedure=1.000002"
    assert feed.json(f"/api/v1/indicators{query}") != feed.json("/api/v1/indicators")
    page.goto(f"{feed.url}/{query}")
    wait_for(page, feed, query)
    assert 2 == page.locator("#filters button").count()
    page.click("#filters button >> nth=1")
    wait_for(page, feed, "?domain=G01-AA01")
