"""`lgsp simulate`: a province's dossiers with their own truth."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.simulation import Format, ProvinceSpec, Truth, simulate
from lgsp.simulation.spec import RECEIVED


def register(app: typer.Typer) -> None:
    """Add `lgsp simulate province`."""
    simulation = typer.Typer(help="Synthetic input with a known truth.", no_args_is_help=True)
    app.add_typer(simulation, name="simulate")

    @simulation.command("province")
    def province(
        out: Annotated[Path, typer.Option(help="Folder to write into; must be empty.")],
        province: Annotated[str, typer.Option(help="Code of the province.")] = "H37",
        first: Annotated[
            datetime,
            typer.Option(
                "--from", formats=["%Y-%m-%d"], help="First day.", show_default="2024-01-01"
            ),
        ] = datetime(2024, 1, 1),  # noqa: DTZ001 - a day, not an instant
        last: Annotated[
            datetime,
            typer.Option(
                "--to", formats=["%Y-%m-%d"], help="Last day, included.", show_default="2024-06-30"
            ),
        ] = datetime(2024, 6, 30),  # noqa: DTZ001
        dossiers: Annotated[
            int, typer.Option(min=1, max=MOST, help="Dossiers received.")
        ] = RECEIVED,
        seed: Annotated[
            int, typer.Option(min=0, max=MOST, help="The same seed gives the same files.")
        ] = 1,
        duplicates: Annotated[
            float, typer.Option(min=0, max=1, help="Share of the rows that come twice.")
        ] = 0,
        disorder: Annotated[
            float, typer.Option(min=0, max=1, help="Share that comes hours or days later.")
        ] = 0,
        late: Annotated[
            float, typer.Option(min=0, max=1, help="Share that comes weeks later.")
        ] = 0,
        corrupt: Annotated[
            float, typer.Option(min=0, max=1, help="Extra unusable rows, as a share.")
        ] = 0,
        form: Annotated[
            Format, typer.Option("--format", help="Rows: every step, or one a dossier.")
        ] = Format.STEPS,
        persons: Annotated[
            bool, typer.Option("--persons", help="With (synthetic) owners of the dossiers.")
        ] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Write a province's dossiers, the YAML to read them with, and truth.json."""
        settings = begin("simulate", data, shares=True)
        spec = ProvinceSpec(
            province=province,
            first=first.date(),
            last=last.date(),
            dossiers=dossiers,
            seed=seed,
            duplicates=duplicates,
            disorder=disorder,
            late=late,
            corrupt=corrupt,
            format=form,
            persons=persons,
        )
        calendar = load_calendar(settings.calendar_file)
        with Progress(
            TextColumn("dossiers"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=json or not Console(stderr=True).is_terminal,
        ) as bar:
            task = bar.add_task("dossiers", total=None)
            truth = simulate(
                spec,
                out,
                lambda done, total: bar.update(task, completed=done, total=total),
                calendar,
            )
        emit(truth.document(), as_json=json, render=lambda: table(*_shown(truth, out)))


def _shown(truth: Truth, out: Path) -> tuple[str, dict[str, object]]:
    rates = truth.rates()
    shown: dict[str, object] = {name: n for name, n in truth.counts().items() if n}
    for name, rate in rates.items():
        shown[name] = f"{rate['value']} % ({rate['numerator']:,} / {rate['denominator']:,})"
    return f"{out}: {truth.rows['rows']:,} rows", shown
