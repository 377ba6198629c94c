"""How commands answer: a table for people, one JSON document for machines.

Instants are ISO 8601 UTC with `Z` in JSON and Asia/Ho_Chi_Minh time in tables. Text that comes
from data is shown, never obeyed; a code is never cut.
"""

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from lgsp.domain.period import local_datetime
from lgsp.runtime.text import printable, printable_json

_WIDEST = 100_000


def emit(document: Mapping[str, Any], *, as_json: bool, render: Callable[[], Table]) -> None:
    """Print the document as JSON, or what `render` makes of it, on stdout."""
    if as_json:
        emit_json(document)
    else:
        print_table(render())


def emit_json(document: Mapping[str, Any]) -> None:
    """Print the one document of a `--json` command on stdout, indented."""
    _write(document, indent=True)


def print_document(document: Mapping[str, Any]) -> None:
    """Print a document on one line of stdout, at once."""
    _write(document, indent=False)
    sys.stdout.flush()


def emit_service(service: str, state: str, *, as_json: bool, **facts: Any) -> None:
    """Print the document of a service that is starting or ready, on one line."""
    if as_json:
        print_document({"service": service, "state": state, "pid": os.getpid(), **facts})


def say(text: str, style: str = "") -> None:
    """Print one line of text on stdout, whatever is in it."""
    Console().print(Text(printable(text), style=style), soft_wrap=True)


def table(title: str, rows: Mapping[str, Any]) -> Table:
    """Return a two-column table of names and values."""
    grid = Table(title=cell(title), show_header=False, title_justify="left")
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(justify="right", overflow="fold")
    for name, value in rows.items():
        grid.add_row(cell(name), _cell_of(value))
    return grid


def list_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    codes: Collection[str] = (),
) -> Table:
    """Return a table with a row each; what stands in the columns of `codes` is never broken."""
    shown = [[cell(value) for value in row] for row in rows]
    grid = Table(title=cell(title), title_justify="left", box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        if name in codes:
            longest = max((row[number].cell_len for row in shown), default=0)
            grid.add_column(cell(name), no_wrap=True, min_width=longest)
        else:
            grid.add_column(cell(name), overflow="fold")
    for row in shown:
        grid.add_row(*row)
    return grid


def print_table(grid: Table) -> None:
    """Print a table: as wide as it is outside a terminal, on one no narrower than its words."""
    console = Console()
    wide = console.options.update(width=_WIDEST)
    measured = Measurement.get(console, wide, grid)
    needed = measured.minimum if console.is_terminal else measured.maximum
    console.width = max(console.width, needed)
    console.print(grid)


def cell(value: str | Text) -> Text:
    """Return a cell that shows a text of data as it is; a Text of ours stays."""
    return value if isinstance(value, Text) else Text(printable(value))


def local_time(at: int | None) -> str:
    """Return ms UTC as Asia/Ho_Chi_Minh time to the minute; "" for None."""
    return "" if at is None else f"{local_datetime(at):%Y-%m-%d %H:%M}"


def _cell_of(value: Any) -> Text:
    """Return a cell of a value; the items of a list stand below each other."""
    if isinstance(value, list | tuple):
        return Text("\n").join(cell(_shown(item)) for item in value) if value else Text("-")
    return cell(_shown(value))


def _shown(value: Any) -> str | Text:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(of)}" for name, of in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if type(value) is int else value if isinstance(value, Text) else str(value)


def _write(document: Mapping[str, Any], *, indent: bool) -> None:
    try:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except TypeError:  # a file's name or an argument that is not UTF-8
        text = json.dumps(document, indent=2 if indent else None)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    sys.stdout.write(f"{printable_json(text, ascii_only=encoding != 'utf8')}\n")
