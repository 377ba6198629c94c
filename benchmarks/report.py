"""Writes what was measured into docs/performance.md, ratios first, from benchmarks/out/*.json."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.chart import svg
from benchmarks.contenders import BY_NAME
from benchmarks.harness import OUT

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
CHART = PAGE.with_name("performance-linear.svg")
_RATIOS = (("kafka-streams", 2.0), ("raw", 0.25), ("quix-state", 6.0), ("faust-tables", 100.0))

Rows = Sequence[Mapping[str, Any]]


def write() -> None:
    """Replace each measured block of the page for which there is a result."""
    text = PAGE.read_text("utf-8")
    rows, latencies, linear = _load("results"), _load("latency"), _load("linear")
    conditions = _load("conditions")
    blocks = {
        "conditions": conditions and conditions_block(conditions),
        "ratios": rows and ratios_block(rows, latencies or []),
        "contenders": rows and contenders_block(rows),
        "latency": latencies and latency_block(latencies),
        "linear": linear and linear_block(linear),
    }
    for name, block in blocks.items():
        if block:
            text = replace_block(text, name, block)
    PAGE.write_text(text, "utf-8")
    if linear:
        lines: dict[str, list[tuple[int, float]]] = {}
        for row in linear:
            if row["rounds"]:
                point = (row["events"], row["events_per_s"]["median"])
                lines.setdefault(row["contender"], []).append(point)
        CHART.write_text(svg(lines, "Events a second from 0.1 to 10 million events"), "utf-8")


def replace_block(text: str, name: str, block: str) -> str:
    """Put `block` between the page's `measured: name` marks; ValueError when there are none."""
    begin, end = f"<!-- measured: {name} -->\n", "<!-- /measured -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{PAGE.name} has no block {name}")
    return pattern.sub(lambda _: f"{begin}\n{block}\n{end}", text, count=1)


def ratios_block(rows: Rows, latencies: Rows) -> str:
    """Return the goals as a table: measured, wanted, met or not."""
    found = {row["contender"]: row for row in rows}
    lines = []
    for name, wanted in _RATIOS:
        ours, other = found.get("ours"), found.get(name)
        if ours is None or other is None or ours["void"] or other["void"]:
            lines.append((f"ours / {name}", "not measured", f"≥ {wanted:g}", ""))
            continue
        ratio = ours["events_per_s"]["median"] / other["events_per_s"]["median"]
        lines.append((f"ours / {name}", f"{ratio:.3g}", f"≥ {wanted:g}", _met(ratio >= wanted)))
    by = {(row["contender"], row["rate"]): row for row in latencies}
    for (who, rate), row in by.items():
        if who == "ours":
            ratio = row["p99_ms"] / by["raw", rate]["p99_ms"]
            lines.append((f"p99, ours / raw, {rate:,}/s", f"{ratio:.3g}", "≤ 2", _met(ratio <= 2)))
            p50 = row["p50_ms"]
            lines.append((f"p50 of ours, {rate:,}/s", f"{p50:g} ms", "< 10 ms", _met(p50 < 10)))
    return table(("Ratio", "Measured", "Goal", ""), lines)


def contenders_block(rows: Rows) -> str:
    """Return a line for each contender, the fastest first."""
    found = {row["contender"]: row for row in rows}
    base = found["ours"]["events_per_s"]["median"] if "ours" in found else 0
    lines = []
    for row in sorted(rows, key=lambda row: -row["events_per_s"]["median"]):
        rate = row["events_per_s"]
        durable = "yes" if row["durable"] else "no"
        said = row["note"]
        if row["void"]:
            said = f"**void**: {row['void']}"
        lines.append(
            (
                f"`{row['contender']}`",
                f"{base / rate['median']:.3g} ×" if rate["median"] else "",
                f"{rate['median']:,}",
                f"{rate['min']:,} to {rate['max']:,}",
                f"{row['cpu_s_per_million']:g}",
                f"{row['events']:,} × {row['rounds']}",
                durable,
                _same(row),
                said,
            )
        )
    heads = (
        "Contender",
        "ours is",
        "events/s, median",
        "from, to",
        "CPU s / 1 M",
        "events × rounds",
        "durable",
        "figures",
        "Note",
    )
    tuned = "\n".join(f"- `{name}`: {contender.tuned}." for name, contender in BY_NAME.items())
    return f"{table(heads, lines)}\nTuned, against each library's defaults:\n\n{tuned}\n"


def latency_block(rows: Rows) -> str:
    """Return produced-to-stored latencies."""
    lines = [
        (f"{row['rate']:,}/s", row["contender"], f"{row['p50_ms']:g}", f"{row['p99_ms']:g}")
        for row in sorted(rows, key=lambda row: (row["rate"], row["contender"]))
    ]
    return table(("Rate", "Contender", "p50, ms", "p99, ms"), lines)


def linear_block(rows: Rows) -> str:
    """Return events a second by number of events, and the chart."""
    lines = [
        (
            f"`{row['contender']}`",
            f"{row['events']:,}",
            f"{row['events_per_s']['median']:,}",
            f"{row['cpu_s_per_million']:g}",
        )
        for row in rows
    ]
    heads = ("Contender", "Events", "events/s", "CPU s / 1 M")
    alt = "Events a second by number of events"
    return f"{table(heads, lines)}\n![{alt}]({CHART.name})\n"


def conditions_block(found: Mapping[str, Any]) -> str:
    """Return when and on what it was measured."""
    return table(("Condition", ""), [(name, str(value)) for name, value in found.items()])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _same(row: Mapping[str, Any]) -> str:
    if row["digest"] is None:
        return ""
    if row["void"]:
        return "differ"
    return "equal, dossiers too" if row["dossiers_digest"] else "equal"


def _met(met: bool) -> str:
    return "met" if met else "**not met**"


def _load(name: str) -> Any:
    file = OUT / f"{name}.json"
    return json.loads(file.read_bytes()) if file.exists() else None
