"""How commands answer: a table for people, one JSON document for machines."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table


def emit(document: Mapping[str, Any], *, as_json: bool, render: Callable[[], Table]) -> None:
    """Print the document as JSON, or what `render` makes of it, on stdout."""
    if as_json:
        emit_json(document)
    else:
        Console().print(render())


def emit_json(document: Mapping[str, Any]) -> None:
    """Print the one document of a `--json` command on stdout."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(title: str, rows: Mapping[str, Any]) -> Table:
    """Return a two-column table of names and values."""
    grid = Table(title=title, show_header=False, title_justify="left")
    grid.add_column(style="bold")
    grid.add_column(justify="right")
    for name, value in rows.items():
        shown = f"{value:,}" if type(value) is int else "yes" if value is True else str(value)
        grid.add_row(name, "no" if value is False else shown)
    return grid
