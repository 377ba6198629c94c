"""`lgsp schemas`: whether the schemas may be published as they are."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import lgsp_schemas
from lgsp.cli.output import emit
from lgsp_schemas.compatibility import Incompatibility, check_schemas


def register(app: typer.Typer) -> None:
    """Add `lgsp schemas check`."""
    group = typer.Typer(help="The Avro schemas of the log.", no_args_is_help=True)
    app.add_typer(group, name="schemas")

    @group.callback()
    def schemas() -> None:
        """Keep `check` a command of its own."""

    @group.command("check")
    def check(
        json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Check compatibility with every frozen version, both ways; exit 1 when one breaks."""
        faults = check_schemas()
        document = {
            "compatible": not faults,
            "subjects": lgsp_schemas.registry()["subjects"],
            "faults": [fault.document() for fault in faults],
        }
        emit(document, as_json=json, render=lambda: _table(faults))
        raise typer.Exit(1 if faults else 0)


def _table(faults: Sequence[Incompatibility]) -> Table:
    grid = Table(title="Schemas", title_justify="left")
    for name in ("Subject", "Version", "Id", "Compatible both ways"):
        grid.add_column(name)
    for subject, entry in lgsp_schemas.registry()["subjects"].items():
        mine = [fault for fault in faults if fault.schema == entry["schema"]]
        said = "\n".join(escape(f"{f.kind} {f.path}: {f.message}") for f in mine) or "yes"
        version = max(entry["versions"], key=int)
        grid.add_row(subject, version, str(entry["versions"][version]), said)
    known = {entry["schema"] for entry in lgsp_schemas.registry()["subjects"].values()}
    for fault in faults:
        if fault.schema not in known:
            grid.add_row(fault.schema, "", "", escape(f"{fault.kind}: {fault.message}"))
    return grid
