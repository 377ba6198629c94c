"""`lgsp explain`: the dossiers behind a figure, each with its reason."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lgsp.cli import questions as q
from lgsp.domain.explanation import Explanation
from lgsp.domain.figures import FIGURES, Part
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings

_ROWS_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add `lgsp explain`."""

    @app.command("explain")
    def explain(
        figure: Annotated[str, typer.Argument(help=f"One of: {', '.join(FIGURES)}.")],
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
        question = q.ask(settings, period, unit, domain, procedure, profile, as_of)
        with q.open_figures(settings) as figures:
            rows = figures.explain(figure, question, part)
        if json:
            q.print_json(
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
            _show(figure, rows, Console())


def _show(figure: str, rows: list[Explanation], console: Console) -> None:
    table = Table(title=f"{q.WORDS[figure]}: {q.number(len(rows))}", title_justify="left")
    for heading in ("Hồ sơ", "Đơn vị", "Thủ tục", "", "Tiếp nhận", "Hạn", "Xong", "Lý do"):
        table.add_column(heading, no_wrap=heading == "Hồ sơ")
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
