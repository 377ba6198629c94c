"""What the commands print: one JSON document or a table on stdout, messages on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lgsp.domain.errors import ConfigurationError, LgspError
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Page
from lgsp_connectors.kit.runner import Report

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_DATES = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")


def show_json(document: Any) -> None:
    """Print the one JSON document of a command."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextmanager
def exit_codes(*, as_json: bool) -> Iterator[None]:
    """Turn our errors into a message and an exit code: 2 for configuration, else 1."""
    try:
        yield
    except LgspError as error:
        typer.echo(f"error: {error}", err=True)
        code = 2 if isinstance(error, ConfigurationError) else 1
        if as_json:
            show_json({"error": {"kind": type(error).__name__, "message": str(error)}})
        raise typer.Exit(code) from error


@contextmanager
def progress_bar() -> Iterator[Any]:
    """Give an `on_page` that draws a bar on a terminal, and does nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rows]} records, {task.fields[rejected]} rejected"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None, rows=0, rejected=0)

        def on_page(page: Page, report: Report) -> None:
            progress.update(
                task,
                total=page.total or None,
                completed=page.done,
                rows=report.records,
                rejected=report.rejected,
            )

        yield on_page


def event_row(event: DossierEvent) -> dict[str, Any]:
    """Give an event for people: names of codes, local times, no personal data."""
    return {
        "dossier_code": event.dossier_code,
        "status": event.status.name,
        "occurred_at": local(event.occurred_at),
        "agency": event.agency,
        "procedure": event.procedure,
        "channel": event.channel.name,
        "service_level": event.service_level.name,
        "source_status": event.source_status,
        "reopens": event.reopens,
        **{name: local(getattr(event, name)) for name in _DATES},
        "sealed": event.sealed is not None,
    }


def local(at: int | None) -> str | None:
    """Give an instant (ms UTC) as ISO 8601 in Asia/Ho_Chi_Minh."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, _ZONE).isoformat(timespec="seconds")
