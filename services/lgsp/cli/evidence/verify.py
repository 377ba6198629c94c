"""`lgsp evidence verify`: whether anybody has changed what was kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.cli.evidence.common import code_there, heads_of, kept
from lgsp.delivery.evidence.verifying import Verified, verify_all, verify_dossier
from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.period import show_instant
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, say, table

_SHOWN = 20  # faults on a screen


def register(group: typer.Typer) -> None:
    """Add the command."""

    @group.command("verify")
    def verify(
        code: Annotated[str, typer.Argument(help="A dossier; none: everything.")] = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Check that no row was changed, taken out, put in or cut off; exit 1 when one was.

        The ends published to the topic `evidence-heads` are compared, when a broker answers.
        """
        settings = begin("evidence", data)
        code = code_there(settings, code) if code else ""
        with kept(settings) as engine:
            heads, unread = heads_of(settings)
            if code:
                found = verify_dossier(engine, code, heads)
            else:
                with _bar(shown=not json) as progress:
                    found = verify_all(engine, heads, progress)
        report = _report(found, code, unread)
        emit(report, as_json=json, render=lambda: table("Evidence", _summary(report)))
        if not json:
            for fault in report["faults"][:_SHOWN]:
                say(_fault_line(fault), "red")
        raise typer.Exit(0 if found.good else 1)


def _report(found: Verified, code: str, unread: str) -> dict[str, Any]:
    return {
        "verified": found.good,
        "of": code or "everything",
        "store": found.head.store,
        "rows": found.rows,
        "dossiers": found.dossiers,
        "changed": found.fault_count,
        "faults": [
            {
                "row": fault.seq,
                "dossier": fault.dossier,
                "at": show_instant(fault.at) if fault.at else None,
                "what": fault.what,
            }
            for fault in found.faults
        ],
        "without_answer": len(found.unanswered),
        "erased": found.erased,
        "heads": _published(found.newest, unread),
        "missing_stores": [
            {"store": head.store, "rows": head.seq, "at": show_instant(head.at)}
            for head in found.missing
        ],
    }


def _published(newest: ChainHead | None, unread: str) -> dict[str, Any]:
    return {
        "compared": newest is not None,
        "newest_row": None if newest is None else newest.seq,
        "newest_at": None if newest is None else show_instant(newest.at),
        "reason": unread or ("" if newest else "none of this store was published"),
    }


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    heads = report["heads"]
    shown = {name: value for name, value in report.items() if name not in {"faults", "heads"}}
    shown["missing_stores"] = "; ".join(
        f"{each['store']} with {each['rows']:,} rows until {each['at']}: bring it back, or say"
        f" `lgsp evidence lost {each['store']} --why …`"
        for each in report["missing_stores"]
    )
    compared = "not compared"
    if heads["compared"]:
        compared = f"up to row {heads['newest_row']:,} of {heads['newest_at']}"
    shown["published heads"] = ": ".join(filter(None, [compared, heads["reason"]]))
    return shown


def _fault_line(fault: dict[str, Any]) -> str:
    place = ", ".join(filter(None, [fault["dossier"], fault["at"]]))
    return f"row {fault['row']}{f' ({place})' if place else ''}: {fault['what']}"


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("rows")
        yield lambda done, total: bar.update(task, completed=done, total=total)
