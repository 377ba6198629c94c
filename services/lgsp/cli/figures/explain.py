"""`lgsp explain`: the dossiers behind a figure, each with its reason."""

from typing import Annotated

import typer

from lgsp.cli.figures import questions as q
from lgsp.domain.codes import split_space
from lgsp.domain.explanation import Explanation
from lgsp.domain.measures import Measures, Part
from lgsp.domain.profiles.registry import known_figures
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit_json, list_table, local_time, print_table, say

_ROWS_SHOWN = 50
_COLUMNS = ("Hồ sơ", "Cổng", "Đơn vị", "Thủ tục", "TT", "Tiếp nhận", "Hạn", "Xong", "Lý do")


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
        data: Data = None,
        json: Json = False,
    ) -> None:
        """List the dossiers behind FIGURE: as many as the figure says, codes and times only."""
        settings = begin("explain", data)
        question = q.ask(period, unit, domain, procedure, as_of)
        with q.open_figures(settings, profile) as figures:
            q.check_scope(figures, question)
            measures = figures.profile.measures
            rows = figures.explain(figure, question, part)
        if json:
            emit_json(
                {
                    "figure": figure,
                    "part": part.value,
                    "period": question.period.document(),
                    "scope": question.scope.document(),
                    "profile": figures.profile.document(),
                    "number": len(rows),
                    "dossiers": [row.document() for row in rows],
                }
            )
        else:
            _show(figure, part, rows, measures)


def _show(figure: str, part: Part, rows: list[Explanation], measures: Measures) -> None:
    is_rate = figure in {rate.name for rate in measures.rates}
    name = f"{figure} ({part.value})" if is_rate else figure
    title = f"{measures.labels[figure]} · {name}: {q.number(len(rows))}"
    shown = [
        (
            split_space(row.dossier)[1],
            row.portal,
            row.agency,
            row.procedure,
            str(int(row.status)),
            *map(local_time, (row.received_at, row.due_at, row.finished_at)),
            row.reason,
        )
        for row in rows[:_ROWS_SHOWN]
    ]
    # The row of a dossier is not readable when broken into pieces.
    print_table(list_table(title, _COLUMNS, shown, codes=_COLUMNS[:-1]))
    if len(rows) > _ROWS_SHOWN:
        say(f"… {q.number(len(rows) - _ROWS_SHOWN)} more (--json lists all)")
