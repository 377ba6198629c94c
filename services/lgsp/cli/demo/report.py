"""The demo's last page: the two rates with their integers, the comparison, the timings."""

from typing import Any

from rich.table import Table

from lgsp.cli.figures.questions import number
from lgsp.runtime.commands.output import print_table, say
from lgsp.simulation.truth import PROFILE

_STAGES = {
    "start": "start broker and services",
    "twin": "make the twin",
    "read": "portal files -> log",
    "counted": "  … all counted after",
    "synced": "  … all on the national portal after",
    "compare": "compare",
}


_LABELS = PROFILE.measures.labels


def print_report(report: dict[str, Any]) -> None:
    """Print it for people."""
    figures = report["figures"]
    print_table(_rates(figures))
    print_table(_counts(figures["counts"]))
    national = report["national"]
    say(
        f"National portal (mock): {national['equal']:,} of {national['expected']:,} dossiers equal"
    )
    difference = report["differences"]
    if difference["count"]:
        say(f"{difference['count']:,} differences; the first:", "bold red")
        for line in difference["first"]:
            say(f"  {line}")
    else:
        say("Every figure and every dossier equals the twin's truth.", "bold green")
    print_table(_timings(report))


def _rates(figures: dict[str, Any]) -> Table:
    table = Table(title=f"Kỳ {figures['period']['name']}", title_justify="left")
    for column in ("", "%", "", ""):
        table.add_column(column, justify="right" if column == "%" else "left")
    for name, rate in figures["rates"].items():
        value = "chưa đủ dữ liệu" if rate["value"] is None else f"{rate['value']:.1f} %"
        of = f"{number(rate['numerator'])} / {number(rate['denominator'])}"
        table.add_row(_LABELS[name], value, of, name)
    return table


def _counts(counts: dict[str, int]) -> Table:
    table = Table(show_header=False)
    for name, count in counts.items():
        table.add_row(_LABELS[name], number(count), name)
    table.columns[1].justify = "right"
    return table


def _timings(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"Timings, scale {report['scale']:g}: {report['dossiers']:,} dossiers,"
        f" {report['events']:,} events",
        title_justify="left",
        show_header=False,
    )
    for stage, words in _STAGES.items():
        if stage in report["seconds"]:
            table.add_row(words, f"{report['seconds'][stage]:.1f} s")
    table.columns[1].justify = "right"
    return table
