"""Writes what was measured (benchmarks/out/*.json) into docs/performance.md, goals first."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.chart import svg
from benchmarks.contenders import BY_NAME
from benchmarks.goals import Found, goals
from benchmarks.harness import OUT

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
CHART = PAGE.with_name("performance-linear.svg")

Rows = Sequence[Mapping[str, Any]]


def write() -> None:
    """Replace each measured block of the page for which there is a result."""
    text = PAGE.read_text("utf-8")
    found = load()
    if "conditions" in found:
        found["conditions"] |= {"each part's end": ", ".join(map(_when, sorted(found)))}
    text = replace_block(text, "goals", goals_block(found))
    for name, block in BLOCKS.items():
        if name in found:
            text = replace_block(text, name, block(found[name]))
    PAGE.write_text(text, "utf-8")
    if "linear" in found:
        lines: dict[str, list[tuple[int, float]]] = {}
        for row in found["linear"]:
            if row["rounds"]:
                point = (row["events"], row["events_per_s"]["median"])
                lines.setdefault(row["contender"], []).append(point)
        CHART.write_text(svg(lines, "Events a second by number of events"), "utf-8")


def load() -> dict[str, Any]:
    """Return the documents of benchmarks/out/ by name."""
    return {file.stem: json.loads(file.read_bytes()) for file in OUT.glob("*.json")}


def replace_block(text: str, name: str, block: str) -> str:
    """Put `block` between the page's `measured: name` marks; ValueError when there are none."""
    begin, end = f"<!-- measured: {name} -->\n", "<!-- /measured -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{PAGE.name} has no block {name}")
    return pattern.sub(lambda _: f"{begin}\n{block}\n{end}", text, count=1)


def goals_block(found: Found) -> str:
    """Return every goal as a table: measured, wanted, met or not."""
    return table(("Goal", "Measured", "Wanted", "", "Of"), [goal.cells for goal in goals(found)])


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
        (
            "a core each" if row["bound"] else "all cores",
            f"{row['rate']:,}/s",
            row["contender"],
            f"{row['p50_ms']:g}",
            f"{row['p99_ms']:g}",
        )
        for row in sorted(rows, key=lambda r: (not r["bound"], r["rate"], r["contender"]))
    ]
    return table(("Where", "Rate", "Contender", "p50, ms", "p99, ms"), lines)


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


def rebuild_block(found: Mapping[str, Any]) -> str:
    """Return what a rebuild took."""
    heads = (
        *("Events", "Dossiers", "Rounds", "Seconds, median", "longest"),
        *("CPU s", "Seconds at 1.2 M", "Figures"),
    )
    cells = (
        f"{found['events']:,}",
        f"{found['dossiers']:,}",
        str(found["rounds"]),
        f"{found['seconds']:g}",
        f"{found['longest_s']:g}",
        f"{found['cpu_seconds']:g}",
        f"{found['seconds_at_goal_events']:g}",
        _equal(found),
    )
    return table(heads, [cells])


def recovery_block(found: Mapping[str, Any]) -> str:
    """Return how long after a kill the feed shows news."""
    heads = ("Dossiers", "Events/s", "Kills", "Feed ready, s", "Worker ready, s")
    cells = (
        f"{found['dossiers']:,}",
        f"{found['rate']:,}",
        str(found["rounds"]),
        f"{found['feed_ready_s']:g}",
        f"{found['worker_ready_s']:g}",
        f"{found['median_s']:g}",
        f"{found['longest_s']:g}",
    )
    return table((*heads, "First new figure, s: median", "longest"), [cells])


def workers_block(rows: Rows) -> str:
    """Return one worker beside two."""
    heads = ("Workers", "Events", "Seconds", "CPU s / 1 M", "PostgreSQL's CPU s / 1 M", "Figures")
    return table(
        heads,
        [
            (
                str(row["workers"]),
                f"{row['events']:,}",
                f"{row['seconds']:g}",
                f"{row['cpu_s_per_million']:g}",
                f"{row['server_cpu_s_per_million']:g}",
                _equal(row),
            )
            for row in rows
        ],
    )


def endtoend_block(found: Mapping[str, Any]) -> str:
    """Return the waits from a portal's record to both ends."""
    ends = (("figure on the feed (SSE)", "feed"), ("on the national mock", "national"))
    lines = [
        (
            name,
            f"{found[end]['p50_s']:g}",
            f"{found[end]['p99_s']:g}",
            f"{found[end]['samples']:,}",
        )
        for name, end in ends
    ]
    heads = (f"Portal record, {found['rate']}/s, to", "p50, s", "p99, s", "Samples")
    return table(heads, lines)


def startup_block(rows: Rows) -> str:
    """Return when each part of `lgsp up` was ready."""
    parts = [name for name in rows[0] if name != "state"]
    return table(
        ("State", *(f"{part}, s" for part in parts)),
        [(str(row["state"]), *(f"{row[part]:g}" for part in parts)) for row in rows],
    )


def memory_block(found: Mapping[str, Any]) -> str:
    """Return what a dossier held costs."""
    cells = (f"{found['dossiers']:,}", f"{found['bytes_a_dossier']:,}")
    return table(("Dossiers held", "Bytes a dossier"), [cells])


def nights_block(found: Mapping[str, Any]) -> str:
    """Return what full exports cost, night after night."""
    heads = (
        *("Dossiers", "Nights", "Rows changed", "Events of the first night", "of the others"),
        *(
            "First night, s",
            "another one, s",
            "longest",
            "its CPU s",
            "Peak memory, MB",
            "Figures",
        ),
    )
    cells = (
        f"{found['dossiers']:,}",
        f"1 + {found['nights']}",
        f"{found['rows_changed']:,}",
        f"{found['events_of_the_first_night']:,}",
        f"{found['events_of_the_others']:,}",
        f"{found['first_night_s']:g}",
        f"{found['other_nights_s']:g}",
        f"{found['longest_night_s']:g}",
        f"{found['other_nights_cpu_s']:g}",
        f"{found['peak_mb']:g}",
        "equal, each night and unit",
    )
    return table(heads, [cells])


def files_block(found: Mapping[str, Any]) -> str:
    """Return what very many small files cost."""
    runs = {
        "first": "all are new",
        "again": "nothing is new",
        "one_more": "one more file",
        "resumed": f"after kill -9 half way ({found['killed_after_s']:g} s)",
    }
    lines = [
        (words, f"{found[f'{run}_s']:g}", f"{found[f'{run}_mb']:g}") for run, words in runs.items()
    ]
    total = f"{found['files']:,} files, {found['events']:,} events"
    again = f"{found['repeated_after_kill']:,} of them written twice by the kill"
    heads = ("Run", "Seconds", "Peak memory, MB")
    return f"{total}, {again}; figures equal.\n\n{table(heads, lines)}"


def conditions_block(found: Mapping[str, Any]) -> str:
    """Return when and on what it was measured."""
    return table(("Condition", ""), [(name, str(value)) for name, value in found.items()])


BLOCKS: Mapping[str, Callable[[Any], str]] = {
    "results": contenders_block,
    "latency": latency_block,
    "linear": linear_block,
    "rebuild": rebuild_block,
    "recovery": recovery_block,
    "workers": workers_block,
    "endtoend": endtoend_block,
    "startup": startup_block,
    "memory": memory_block,
    "nights": nights_block,
    "files": files_block,
    "conditions": conditions_block,
}
"""The page's blocks besides the goals, by the document of benchmarks/out they show."""


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


def _when(name: str) -> str:
    written = datetime.fromtimestamp((OUT / f"{name}.json").stat().st_mtime, UTC)
    return f"{name} {written:%m-%d %H:%M}"


def _equal(row: Mapping[str, Any]) -> str:
    return "equal, dossiers too" if row["equal"] else "**differ**"
