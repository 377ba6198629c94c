"""`lgsp transitions`: what came of the statuses that the portals stated."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lgsp.cli.figures import questions as q
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.judgement import ListedTransition
from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit_json, list_table, local_time, print_table, say
from lgsp.store.figures.transitions import LISTED, TransitionPage, Wanted, read_verdict

_COLUMNS = ("Hồ sơ", "Nguồn", "TT", "Xảy ra", "Nguồn nói lúc", "verdict", "Lý do")


def register(app: typer.Typer) -> None:
    """Add `lgsp transitions`."""

    @app.command("transitions")
    def transitions(
        dossier: Annotated[
            str, typer.Argument(help="All transitions of this dossier.", show_default=False)
        ] = "",
        without_effect: Annotated[
            bool,
            typer.Option("--without-effect", help="Those of all dossiers that change nothing."),
        ] = False,
        verdict: Annotated[
            str, typer.Option(help=f"One of: {', '.join(v.value for v in LISTED)}.")
        ] = "",
        unit: q.Unit = "",
        portal: Annotated[str, typer.Option(help="Portal that stated them.")] = "",
        limit: Annotated[
            int, typer.Option(help="Most transitions to list.", min=1, max=MOST)
        ] = 100,
        after: Annotated[str, typer.Option(help="`next` of the list before.")] = "",
        profile: q.Profile = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """List the transitions of DOSSIER, or with --without-effect those that change nothing.

        A status that may not follow, or that its portal has taken back, is kept and listed here
        with the reason. A list goes over all dossiers of the store: a second or two for 200,000.
        """
        settings = begin("transitions", data)
        if bool(dossier) == without_effect:
            raise ConfigurationError("name one DOSSIER, or give --without-effect for all of them")
        if dossier and (verdict or unit or portal or after):
            raise ConfigurationError("--verdict, --unit, --portal, --after: not with a DOSSIER")
        wanted = Wanted(read_verdict(verdict), unit, portal)
        with q.open_figures(settings, profile) as figures:
            if dossier:
                rows = figures.transitions.of_dossier(dossier)
                page = None
            else:
                page = figures.transitions.without_effect(wanted, after=after, limit=limit)
                rows = page.rows
        if dossier and not rows:
            raise ConfigurationError(f"dossier {dossier!r} is not in the store")
        if json:
            emit_json(page.document() if page else {"transitions": [r.document() for r in rows]})
        else:
            _show(_title(page) if page else dossier, rows)
            if page and page.next:
                say(f"… more: --after {page.next}")


def _title(page: TransitionPage) -> str:
    counts = ", ".join(f"{name} {q.number(n)}" for name, n in page.counts.items())
    return f"Không có hiệu lực: {q.number(page.total)} ({counts})"


def _show(title: str, rows: Sequence[ListedTransition]) -> None:
    shown = [
        (
            row.dossier,
            row.portal,
            str(int(row.status)),
            *map(local_time, (row.occurred_at, row.stated_at)),
            row.verdict.value,
            row.reason,
        )
        for row in rows
    ]
    print_table(list_table(title, _COLUMNS, shown, codes=_COLUMNS[:-1]))
