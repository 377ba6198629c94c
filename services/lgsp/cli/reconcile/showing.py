"""How differences are shown: a JSON line each, or tables for people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from lgsp.reconciliation.findings import Finding, causes_of
from lgsp.runtime.commands.output import list_table, print_document, print_table
from lgsp.runtime.text import printable

_SHOWN = 40  # differences in the table for people


def show_findings(findings: Iterable[Finding], *, as_json: bool) -> None:
    """Show what was found of dossiers, or of lines."""
    rows: list[tuple[str, str, str]] = []
    for finding in findings:
        for document in finding["differences"] if as_json else ():
            print_document(document)
        rows += [(finding["dossier"], *each) for each in causes_of(finding).items()]
    if not as_json:
        show_classes(rows)


def show_classes(rows: Sequence[tuple[str, str, str]], right: Iterable[str] = ()) -> None:
    """Show dossier, class and cause: how many of each, and the first of them.

    Args:
        rows: in their order.
        right: classes that are only counted.
    """
    counts = Counter((kind, cause.partition(":")[0]) for _, kind, cause in rows)
    counted = [(kind, cause, f"{count:,}") for (kind, cause), count in sorted(counts.items())]
    print_table(list_table("Differences", ("class", "cause", "dossiers"), counted))
    listed = [each for each in rows if each[1] not in set(right)]
    if listed:
        title = f"The first {min(_SHOWN, len(listed))} of {len(listed)} (all with --json)"
        columns = ("dossier", "class", "cause")
        print_table(list_table(title, columns, listed[:_SHOWN], codes=["dossier"]))


def say_aside(text: str) -> None:
    """Say one line on stderr, beside what is printed."""
    typer.echo(printable(text), err=True)


def say_counts(title: str, counts: Mapping[str, Any]) -> None:
    """Say numbers by name on stderr."""
    say_aside(f"{title}: " + ", ".join(f"{name} {value}" for name, value in counts.items()))
