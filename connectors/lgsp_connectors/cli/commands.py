"""The commands of `lgsp-connect`."""

import asyncio
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lgsp.domain.errors import ConfigurationError, RejectedRecord
from lgsp.runtime.clock import now_ms
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings
from lgsp_connectors.cli.output import (
    event_row,
    exit_codes,
    local,
    progress_bar,
    show_json,
    show_table,
)
from lgsp_connectors.cli.service import run_connector
from lgsp_connectors.cli.starters import STARTERS
from lgsp_connectors.kit.config import PORTAL_ID
from lgsp_connectors.kit.contract import Connector
from lgsp_connectors.kit.registry import ConfiguredConnector, installed, read_config
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.runner import Report
from lgsp_connectors.kit.times import compile_iso
from lgsp_connectors.kit.usable import usable_events

app = typer.Typer(
    help="Connect portals to the log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path, typer.Argument(help="The connector's YAML.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Once = Annotated[bool, typer.Option("--once", help="Run until caught up, then exit.")]


@app.command("list")
def list_connectors(as_json: Json = False) -> None:
    """List the installed connectors."""
    rows = [
        {"name": name, "module": point.value, "about": _about(point.load())}
        for name, point in installed().items()
    ]
    if as_json:
        show_json({"connectors": rows})
    else:
        show_table("connectors", list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Id of the portal, [a-z0-9-]+.")],
    connector: Annotated[str, typer.Option(help="Which connector.")] = "files",
    as_json: Json = False,
) -> None:
    """Write NAME.yaml to start from; an existing file is kept."""
    with exit_codes(as_json=as_json):
        if connector not in STARTERS:
            raise ConfigurationError(f"no starter for {connector!r}: {', '.join(STARTERS)}")
        if not re.fullmatch(PORTAL_ID, name):
            raise ConfigurationError(f"portal id {name!r}: lower-case letters, digits and - only")
        file = Path(f"{name}.yaml")
        try:
            with file.open("x", encoding="utf-8") as out:
                out.write(STARTERS[connector].format(name=name))
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}") from error
        if as_json:
            show_json({"file": str(file)})
        else:
            typer.echo(f"{file} written; try: lgsp-connect check {file}")


@app.command()
def check(
    config: Config,
    sample: Annotated[int, typer.Option(min=1, help="Records to map.")] = 100,
    as_json: Json = False,
) -> None:
    """Connect, map a sample, show events and rejects; produces nothing."""
    with exit_codes(as_json=as_json):
        settings = load_settings()
        configure_logs(settings, service="connector")
        configured = read_config(config)
        found = asyncio.run(_sample(configured, sample))
        if as_json:
            show_json(found)
        else:
            _show_sample(found)
        if problem := found["problem"]:
            typer.echo(f"error: {problem}", err=True)
        if problem or (found["rejects"] and not found["events"]):
            raise typer.Exit(1)


@app.command()
def run(
    config: Config,
    once: Once = False,
    port: Annotated[
        int | None, typer.Option(help="Port of health and metrics; 0: any free one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the connector: as a service, or `--once` until caught up."""
    with exit_codes(as_json=as_json), progress_bar() as on_page:
        report = run_connector(read_config(config), once=once, port=port, on_page=on_page)
        _show_report(config, report, as_json=as_json, to_the_end=once)


@app.command()
def backfill(
    config: Config,
    since: Annotated[
        str, typer.Option(help="ISO date or time; local in Asia/Ho_Chi_Minh. Default: all.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", hidden=True)] = True,
    as_json: Json = False,
) -> None:
    """Read again from a date, under a checkpoint of its own, beside the running connector."""
    with exit_codes(as_json=as_json), progress_bar() as on_page:
        try:
            start = compile_iso("Asia/Ho_Chi_Minh")(since) if since else None
        except ValueError as error:
            raise ConfigurationError(f"--since {since!r}: {error}") from error
        report = run_connector(
            read_config(config), once=once, backfill=True, since=start, on_page=on_page
        )
        _show_report(config, report, as_json=as_json, to_the_end=once)


async def _sample(configured: ConfiguredConnector, count: int) -> dict[str, Any]:
    connector = configured.build(now_ms, None)
    events: list[dict[str, Any]] = []
    rejects: list[dict[str, str]] = []
    records = refused = 0
    problem = ""
    cursor = connector.start(None)
    try:
        while records < count:
            page = await retried(
                lambda at=cursor: connector.fetch(at),  # type: ignore[misc]
                give_up_seconds=configured.head.run.give_up_seconds,
            )
            cursor = page.cursor
            for record in page.records[: count - records]:
                records += 1
                try:
                    events += map(event_row, usable_events(connector, record, now_ms()))
                except RejectedRecord as error:
                    rejects.append(_reject_row(record.origin, error))
            refused, problem = page.refused, page.problem
            if page.caught_up and not page.wait:
                break
            await asyncio.sleep(page.wait)
    finally:
        await connector.close()
    return {
        "portal": configured.head.portal,
        "connector": connector.name,
        "records": records,
        "files_refused": refused,
        "problem": problem,
        "events": events,
        "rejects": rejects,
    }


def _reject_row(origin: str, error: RejectedRecord) -> dict[str, str]:
    return {
        "origin": origin,
        "reason": str(error.reason),
        "field": error.field,
        "value": error.value,
        "detail": error.detail,
    }


def _show_sample(found: dict[str, Any]) -> None:
    shown = ("dossier_code", "status", "occurred_at", "agency", "channel", "due_at", "finished_at")
    events = [[str(event[name] or "") for name in shown] for event in found["events"]]
    show_table(f"{len(events)} events of {found['records']} records", shown, events)
    if rejects := found["rejects"]:
        rows = [list(reject.values()) for reject in rejects]
        show_table(f"{len(rejects)} rejects", list(rejects[0]), rows)


def _show_report(config: Path, report: Report, *, as_json: bool, to_the_end: bool) -> None:
    if as_json:
        show_json({"config": str(config), "at": local(now_ms()), **asdict(report)})
    else:
        rows = [[name, str(value)] for name, value in asdict(report).items()]
        show_table(str(config), ["", ""], rows)
    if report.rejected and report.rejected == report.records:
        typer.echo(
            f"error: none of the {report.records} records could be used;"
            " the reasons are in the dead letters",
            err=True,
        )
        raise typer.Exit(1)
    if to_the_end and not report.caught_up:
        why = report.problem or "stopped before it was caught up; run it again to go on"
        typer.echo(f"error: {why}", err=True)
        raise typer.Exit(1)
    if to_the_end and report.files_refused:
        typer.echo(
            f"error: {report.files_refused} files cannot be used as they stand;"
            " the reasons are in the dead letters",
            err=True,
        )
        raise typer.Exit(1)


def _about(kind: type[Connector]) -> str:
    module = __import__(kind.__module__, fromlist=["__doc__"]).__doc__ or kind.__doc__ or ""
    return module.strip().splitlines()[0]
