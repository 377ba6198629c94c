"""`lgsp schemas`: whether the schemas may be published as they are."""

from collections.abc import Sequence

import typer
from rich.table import Table

import lgsp_schemas
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, list_table
from lgsp_schemas.compatibility import Incompatibility, check_schemas


def register(app: typer.Typer) -> None:
    """Add `lgsp schemas check`."""
    group = typer.Typer(help="The Avro schemas of the log.", no_args_is_help=True)
    app.add_typer(group, name="schemas")

    @group.callback()
    def schemas() -> None:
        """Keep `check` a command of its own."""

    @group.command("check")
    def check(data: Data = None, json: Json = False) -> None:
        """Check compatibility with every frozen version, both ways; exit 1 when one breaks."""
        begin("schemas", data)
        faults = check_schemas()
        document = {
            "compatible": not faults,
            "subjects": lgsp_schemas.registry()["subjects"],
            "faults": [fault.document() for fault in faults],
        }
        emit(document, as_json=json, render=lambda: _table(faults))
        raise typer.Exit(1 if faults else 0)


def _table(faults: Sequence[Incompatibility]) -> Table:
    rows: list[tuple[str, ...]] = []
    subjects = lgsp_schemas.registry()["subjects"]
    for subject, entry in subjects.items():
        mine = [fault for fault in faults if fault.schema == entry["schema"]]
        said = "; ".join(f"{f.kind} {f.path}: {f.message}" for f in mine) or "yes"
        version = max(entry["versions"], key=int)
        rows.append((subject, version, str(entry["versions"][version]), said))
    known = {entry["schema"] for entry in subjects.values()}
    rows += [
        (fault.schema, "", "", f"{fault.kind}: {fault.message}")
        for fault in faults
        if fault.schema not in known
    ]
    columns = ("Subject", "Version", "Id", "Compatible both ways")
    return list_table("Schemas", columns, rows, codes=["Subject"])
