"""The page of what was measured: ratios from the medians, void rows said, marks kept."""

from typing import Any
from xml.etree import ElementTree

import pytest
from benchmarks.chart import svg
from benchmarks.goals import goals
from benchmarks.report import BLOCKS, PAGE, contenders_block, goals_block, replace_block


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
    block = goals_block(
        {"results": [row("ours", 200), row("kafka-streams", 100), row("raw", 1000)]}
    )

    assert "| events/s, ours / kafka-streams | 2 | ≥ 2 | met |" in block
    assert "| events/s, ours / raw | 0.2 | ≥ 0.25 | **not met** |" in block
    assert "| events/s, ours / quix-state |  | ≥ 6 | not measured |" in block


def test_every_goal_stands_in_the_table_when_nothing_is_measured() -> None:
    found = goals({})

    assert 13 == len(found)
    assert {"not measured"} == {goal.met for goal in found}


def test_a_void_row_gives_no_ratio_and_says_why() -> None:
    rows = [row("ours", 200), row("raw", 100, void="its figures differ")]

    assert "| events/s, ours / raw |  | ≥ 0.25 | not measured |" in goals_block({"results": rows})
    assert "**void**: its figures differ" in contenders_block(rows)


def test_workers_whose_figures_differ_meet_no_goal() -> None:
    one = {"workers": 1, "events": 10, "seconds": 2.0, "cpu_s_per_million": 10.0, "equal": True}
    two = one | {"workers": 2, "seconds": 1.0, "cpu_s_per_million": 11.0}

    def met(rows: list[dict[str, Any]]) -> str:
        return next(g.met for g in goals({"workers": rows}) if "two workers" in g.what)

    assert "met" == met([one, two])
    assert "**not met**" == met([one, two | {"cpu_s_per_million": 12.0}])
    assert "not measured" == met([one, two | {"equal": False}])


def test_every_document_has_its_block_in_the_page() -> None:
    page = PAGE.read_text("utf-8")

    for name in ("goals", *BLOCKS):
        assert len(replace_block(page, name, "")) <= len(page)


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
