"""`lgsp explain`: the dossiers behind a figure, each with its reason."""

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lgsp.cli import questions as q
from lgsp.cli.output import emit_json
from lgsp.domain.explanation import Explanation
from lgsp.domain.measures import Measures, Part
from lgsp.domain.profiles.registry import known_figures
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings

_ROWS_SHOWN = 50
_LEAST_WIDTH = 150  # the row of a dossier is not readable when broken into pieces


def register(app: typer.Typer) -> None:
    """Add `lgsp explain`."""

    @app.command("explain")
    def explain(
        figure: Annotated[str, typer.Argument(help=f"One of: {', '.join(known_figures())}.")],
        period: q.Period = "all",
        unit: q.Unit = "",
        domain: q.Domain = "",
        procedure: q.Procedure = "",
        profile: q.Profile = "",
        as_of: q.AsOf = "",
        part: Annotated[Part, typer.Option(help="Part of a rate.")] = Part.NUMERATOR,
        json: q.Json = False,
    ) -> None:
        """List the dossiers behind FIGURE: as many as the figure says, codes and times only."""
        settings = load_settings()
        configure_logs(settings, service="explain")
        question = q.ask(period, unit, domain, procedure, as_of)
        with q.open_figures(settings, profile) as figures:
            measures = figures.profile.measures
            rows = figures.explain(figure, question, part)
        if json:
            emit_json(
                {
                    "figure": figure,
                    "part": part.value,
                    "period": question.period.document(),
                    "scope": question.scope.document(),
                    "number": len(rows),
                    "dossiers": [row.document() for row in rows],
                }
            )
        else:
            console = Console()
            console.width = max(console.width, _LEAST_WIDTH)
            _show(figure, part, rows, measures, console)


def _show(
    figure: str, part: Part, rows: list[Explanation], measures: Measures, console: Console
) -> None:
    is_rate = figure in {rate.name for rate in measures.rates}
    name = f"{figure} ({part.value})" if is_rate else figure
    title = f"{measures.labels[figure]} · {name}: {q.number(len(rows))}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("Hồ sơ", "Đơn vị", "Thủ tục", "TT", "Tiếp nhận", "Hạn", "Xong", "Lý do"):
        table.add_column(heading, no_wrap=heading != "Lý do")
    for row in rows[:_ROWS_SHOWN]:
        table.add_row(
            row.dossier,
            row.agency,
            row.procedure,
            str(int(row.status)),
            *map(q.local_time, (row.received_at, row.due_at, row.finished_at)),
            row.reason,
        )
    console.print(table)
    if len(rows) > _ROWS_SHOWN:
        console.print(f"… {q.number(len(rows) - _ROWS_SHOWN)} more (--json lists all)")
