"""The commands of `lgsp-connect`."""

import re
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any

import typer

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import DossierEvent
from lgsp.domain.period import show_instant
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.errors import failed
from lgsp.runtime.commands.options import MOST, Data, Json, ServiceJson, begin
from lgsp.runtime.commands.output import (
    emit_json,
    emit_service,
    list_table,
    local_time,
    print_table,
    say,
    table,
)
from lgsp.runtime.commands.program import CONTEXT, Program, root, show
from lgsp.runtime.commands.reach import need_broker
from lgsp_connectors.cli.output import event_row, progress_bar
from lgsp_connectors.cli.sample import take_sample
from lgsp_connectors.cli.service import run_connector
from lgsp_connectors.kit.config import PORTAL_ID
from lgsp_connectors.kit.mapping.times import compile_iso
from lgsp_connectors.kit.registry import installed, read_config, sample_name, start_of
from lgsp_connectors.kit.report import Report

app = typer.Typer(
    context_settings=CONTEXT,
    cls=Program,
    help="Connect portals to the log.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback()(root)

Config = Annotated[Path, typer.Argument(help="The connector's YAML.")]
Once = Annotated[bool, typer.Option("--once", help="Run until caught up, then exit.")]


@app.command("list")
def list_connectors(data: Data = None, as_json: Json = False) -> None:
    """List the installed connectors."""
    begin("connectors", data)
    rows = [
        {"name": name, "module": point.value, "about": _about(point)}
        for name, point in installed().items()
    ]
    if as_json:
        emit_json({"connectors": rows})
    else:
        values = [list(row.values()) for row in rows]
        print_table(list_table("connectors", ["name", "module", "about"], values, codes=["name"]))


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(help="Id of the portal: lower-case letters, digits and -.")
    ],
    connector: Annotated[str, typer.Option(help="Which connector.")] = "files",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write NAME.yaml to start from, and a sample that it reads; an existing file is kept."""
    begin("connectors", data, shares=True)
    if not re.fullmatch(PORTAL_ID, name):
        raise ConfigurationError(f"portal id {name!r}: lower-case letters, digits and - only")
    start = start_of(connector, name)
    file, sample = Path(f"{name}.yaml"), Path(sample_name(name))
    _write(file, start.yaml)
    if start.sample and not sample.exists():
        _write(sample, start.sample)
    if as_json:
        emit_json({"file": str(file), "sample": str(sample) if start.sample else None})
    else:
        say(f"{file} written; try: lgsp-connect check {file}")


@app.command()
def check(
    config: Config,
    sample: Annotated[int, typer.Option(min=1, max=MOST, help="Records to map.")] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Connect, map a sample, show events and rejects; produces nothing."""
    begin("connector", data)
    configured = read_config(config)
    found = take_sample(configured, sample)
    events: list[DossierEvent] = found["events"]
    problem = _doubt(found)
    failure = failed(problem) if problem else None
    if as_json:
        rows = [event_row(event, show_instant) for event in events]
        newest = {"events": rows, "newest": show_instant(found["newest"])}
        emit_json(found | newest | (failure.document() if failure else {}))
    else:
        _show_sample(found)
    if failure:
        raise typer.Exit(show(failure, as_json=False))
    if found["rejects"] and not events:
        raise typer.Exit(1)


@app.command()
def run(
    config: Config,
    once: Once = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of health and metrics; 0: any free one."),
    ] = None,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="This YAML replaces the one that read the portal."),
    ] = False,
    new_log: Annotated[
        bool,
        typer.Option("--new-log", help="The log was made anew: read everything into it."),
    ] = False,
    data: Data = None,
    as_json: ServiceJson = False,
) -> None:
    """Run the connector: as a service, or `--once` until caught up."""
    settings = begin("connector", data)
    configured = read_config(config)
    configured.refuse_sample()

    def on_ready(url: str) -> None:
        emit_service(configured.head.portal, "ready", as_json=as_json, health=url)

    with progress_bar() as on_page:
        report = run_connector(
            configured,
            need_broker(settings) if once else settings,
            once=once,
            take_over=take_over,
            new_log=new_log,
            port=port,
            on_page=on_page,
            on_ready=on_ready,
        )
    _show_report(config, report, as_json=as_json, to_the_end=once)


@app.command()
def backfill(
    config: Config,
    since: Annotated[
        str, typer.Option(help="ISO date or time; local in Asia/Ho_Chi_Minh. Default: all.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", hidden=True)] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Read again from a date, under a checkpoint of its own, beside the running connector."""
    settings = begin("connector", data)
    configured = read_config(config)
    configured.refuse_sample()
    try:
        start = compile_iso("Asia/Ho_Chi_Minh")(since) if since else None
    except ValueError as error:
        raise ConfigurationError(f"--since {since!r}: {error}") from error
    with progress_bar() as on_page:
        report = run_connector(
            configured,
            need_broker(settings),
            once=once,
            backfill=True,
            since=start,
            on_page=on_page,
        )
    _show_report(config, report, as_json=as_json, to_the_end=once)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        words = f"{file} is there already and is kept: choose another name, or move it away"
        raise ConfigurationError(words) from error
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error


def _doubt(found: dict[str, Any]) -> str:
    """Say why the sample does not show that the YAML does; "" when it does."""
    if found["problem"]:
        return str(found["problem"])
    if not found["records"]:
        return "nothing was read: the source has no rows now, so the mapping could not be tried"
    if found["files_refused"]:
        return f"{found['files_refused']} files cannot be used as they stand; see the rejects"
    return ""


def _show_sample(found: dict[str, Any]) -> None:
    shown = ("dossier_code", "status", "occurred_at", "agency", "channel", "due_at", "finished_at")
    rows = [event_row(event, local_time) for event in found["events"]]
    events = [[str(row[name] or "") for name in shown] for row in rows]
    title = f"{len(events)} events of {found['records']} records"
    print_table(list_table(title, shown, events, codes=["dossier_code", "agency"]))
    for title, name in (
        (f"{len(found['rejects'])} rejects, by cause", "causes"),
        ("words that are looked up", "words"),
        ("wide cells", "wide"),
    ):
        if each := found[name]:
            values = [[str(value) for value in row.values()] for row in each]
            print_table(list_table(title, list(each[0]), values, codes=["origin", "field"]))
    for column, text in found["maps"].items():
        say(f"proposed for the map of {column}: {text}")
    if order := found["corrections"]:
        say(f"corrections: {order}")
    if found["newest"] is not None:
        age = (now_ms() - found["newest"]) / 3_600_000
        say(f"newest change: {local_time(found['newest'])}, {age:,.1f} h ago")
    if request := found["request"]:
        said = f": {request['words']}" if request["words"] else ""
        say(f"last request: {request['request']}")
        say(f"its answer: {request['answer']}{said}")


def _show_report(config: Path, report: Report, *, as_json: bool, to_the_end: bool) -> None:
    """Print what a run has done; exit 1, with the reason in the same document, when it failed."""
    problem = _problem(report, to_the_end=to_the_end)
    failure = failed(problem) if problem else None
    if as_json:
        head = {"config": str(config), "at": show_instant(now_ms())}
        emit_json({**head, **asdict(report), **(failure.document() if failure else {})})
    else:
        print_table(table(str(config), asdict(report)))
    if failure:
        raise typer.Exit(show(failure, as_json=False))


def _problem(report: Report, *, to_the_end: bool) -> str:
    """Say why the run is no success; "" when it is one."""
    letters = "the reasons are in the dead letters (`lgsp dead-letters list`)"
    if report.rejected and report.rejected == report.records:
        return f"none of the {report.records} records could be used; {letters}"
    if to_the_end and not report.caught_up:
        return report.problem or "stopped before it was caught up; run it again to go on"
    if to_the_end and report.files_refused:
        return f"{report.files_refused} files cannot be used as they stand; {letters}"
    if to_the_end and report.conflicts:
        return report.problems["conflicts"]
    return ""


def _about(point: EntryPoint) -> str:
    """Give the first line of what a connector says of itself; a broken package says so."""
    try:
        kind = point.load()
    except Exception as error:  # noqa: BLE001 - another package's code; the others are listed
        return f"broken: {type(error).__name__}: {error}"
    module = __import__(kind.__module__, fromlist=["__doc__"]).__doc__ or kind.__doc__ or ""
    return next(iter(module.strip().splitlines()), "")
