"""The page of what was measured: ratios from the medians, void rows said, marks kept."""

from typing import Any
from xml.etree import ElementTree

import pytest
from benchmarks.chart import svg
from benchmarks.report import contenders_block, ratios_block, replace_block


def row(name: str, rate: int, void: str = "") -> dict[str, Any]:
    return {
        "contender": name,
        "events": 1000,
        "rounds": 2,
        "events_per_s": {"median": rate, "min": rate, "max": rate},
        "cpu_s_per_million": 1.5,
        "durable": True,
        "digest": "ab",
        "dossiers_digest": "cd",
        "note": "",
        "void": void,
    }


def test_a_ratio_is_of_the_medians_and_says_whether_the_goal_is_met() -> None:
    block = ratios_block([row("ours", 200), row("kafka-streams", 100), row("raw", 1000)], [])

    assert "| ours / kafka-streams | 2 | ≥ 2 | met |" in block
    assert "| ours / raw | 0.2 | ≥ 0.25 | **not met** |" in block
    assert "| ours / quix-state | not measured |" in block


def test_a_void_row_gives_no_ratio_and_says_why() -> None:
    rows = [row("ours", 200), row("raw", 100, void="its figures differ")]

    assert "| ours / raw | not measured |" in ratios_block(rows, [])
    assert "**void**: its figures differ" in contenders_block(rows)


def test_a_block_of_the_page_is_replaced_and_the_rest_stays() -> None:
    page = "a\n<!-- measured: x -->\nold\n<!-- /measured -->\nb\n"

    assert replace_block(page, "x", "new") == (
        "a\n<!-- measured: x -->\n\nnew\n<!-- /measured -->\nb\n"
    )
    with pytest.raises(ValueError, match="no block y"):
        replace_block(page, "y", "new")


def test_the_chart_is_an_image_with_a_line_for_each_contender() -> None:
    drawn = ElementTree.fromstring(svg({"ours": [(10, 5.0), (100, 6.0)], "raw": [(10, 9)]}, "t"))  # noqa: S314

    lines = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    assert 2 == len(lines)
