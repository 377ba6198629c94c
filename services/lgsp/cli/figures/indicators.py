"""`lgsp indicators`: the figures of a period and scope, with what is needed to trust them."""

import typer
from rich.table import Table
from rich.text import Text

from lgsp.cli.figures import questions as q
from lgsp.domain.figures import Indicators
from lgsp.domain.reasons import show_known
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import cell, emit_json, local_time, print_table, say


def register(app: typer.Typer) -> None:
    """Add `lgsp indicators`."""

    @app.command("indicators")
    def indicators(
        period: q.Period = "all",
        unit: q.Unit = "",
        domain: q.Domain = "",
        procedure: q.Procedure = "",
        profile: q.Profile = "",
        as_of: q.AsOf = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Show counts and both rates, read from the store."""
        settings = begin("indicators", data)
        question = q.ask(period, unit, domain, procedure, as_of)
        with q.open_figures(settings, profile) as figures:
            q.check_scope(figures, question)
            found = figures.indicators(question)
        if json:
            emit_json(found.document())
        else:
            _show(found)


def _show(found: Indicators) -> None:
    document = found.document()
    scope = " · ".join(found.scope.document().values()) or "tất cả"
    table = Table(title=cell(f"{found.period.name} · {scope}"), title_justify="left")
    table.add_column("Chỉ tiêu")
    table.add_column("Figure", style="dim")
    table.add_column("", justify="right")
    labels = found.profile.measures.labels
    for name, rate in document["rates"].items():
        value = rate["value"]
        shown = "chưa đủ dữ liệu" if value is None else f"{value} %".replace(".", ",")
        parts = " / ".join(q.number(int(rate[p] or 0)) for p in ("numerator", "denominator"))
        table.add_row(labels[name], name, Text.assemble(f"{parts} = ", (shown, "bold")))
    table.add_section()
    for name, count in document["counts"].items():
        table.add_row(labels[name], name, q.number(count))
    print_table(table)
    rules = f"quy tắc {found.profile.label}"
    say(f"Tính đến {local_time(found.as_of)} · {rules} · {q.TRUST_WORDS[found.trust]}")
    for finding in found.findings:
        say(f"  - {finding.vietnamese()} [{finding.reason}]")
    for portal in found.freshness:
        seen = show_known(portal.last_seen_at) and local_time(portal.last_seen_at)
        say(f"Nguồn {portal.portal}: {portal.liveness.value}, {seen or 'chưa lần nào'}")
