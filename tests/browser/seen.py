"""What a window shows, and waiting for it."""

from typing import TYPE_CHECKING

from tests.ioc.feeds import Feed

if TYPE_CHECKING:
    from playwright.sync_api import Page


def value(page: "Page", rate: str) -> str:
    return page.inner_text(f"[data-rate={rate}] [data-value]")


def vietnamese(number: float | None) -> str:
    return "Chưa đủ dữ liệu" if number is None else f"{number:.1f}%".replace(".", ",")


def wait_for(page: "Page", feed: Feed, query: str = "") -> None:
    """Wait until both rates are those of the feed."""
    rates = feed.json(f"/api/v1/indicators{query}")["rates"]
    for name, rate in rates.items():
        page.wait_for_function(
            "([name, text]) => document.querySelector(`[data-rate=${name}] [data-value]`)"
            ".textContent === text",
            arg=[name, vietnamese(rate["value"])],
        )


def wait_live(page: "Page") -> None:
    page.wait_for_function(
        "() => document.getElementById('connection').textContent === 'Trực tiếp'"
    )


def wait_lost(page: "Page") -> None:
    page.wait_for_function("() => document.body.classList.contains('lost')")
