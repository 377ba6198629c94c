"""What `lgsp-connect` shows beside the common output: progress, and events for people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Page
from lgsp_connectors.kit.report import Report

_DATES = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")


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


def event_row(event: DossierEvent, at: Callable[[int | None], str | None]) -> dict[str, Any]:
    """Give an event for people: names of codes, no personal data; `at` writes an instant."""
    return {
        "dossier_code": event.dossier_code,
        "status": event.status.name,
        "occurred_at": at(event.occurred_at),
        "agency": event.agency,
        "procedure": event.procedure,
        "channel": event.channel.name,
        "service_level": event.service_level.name,
        "source_status": event.source_status,
        "reopens": event.reopens,
        **{name: at(getattr(event, name)) for name in _DATES},
        "sealed": event.sealed is not None,
    }
