"""`lgsp indicators`: the figures of a period and scope, with what is needed to trust them."""

import typer
from rich.console import Console
from rich.table import Table

from lgsp.cli import questions as q
from lgsp.cli.output import emit_json
from lgsp.domain.figures import Indicators
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings


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
        json: q.Json = False,
    ) -> None:
        """Show counts and both rates, read from the store."""
        settings = load_settings()
        configure_logs(settings, service="indicators")
        question = q.ask(period, unit, domain, procedure, as_of)
        with q.open_figures(settings, profile) as figures:
            found = figures.indicators(question)
        if json:
            emit_json(found.document())
        else:
            _show(found, Console())


def _show(found: Indicators, console: Console) -> None:
    document = found.document()
    scope = " · ".join(found.scope.document().values()) or "tất cả"
    table = Table(title=f"{found.period.name} · {scope}", title_justify="left")
    table.add_column("Chỉ tiêu")
    table.add_column("Figure", style="dim")
    table.add_column("", justify="right")
    labels = found.profile.measures.labels
    for name, rate in document["rates"].items():
        value = rate["value"]
        shown = "chưa đủ dữ liệu" if value is None else f"{value} %".replace(".", ",")
        parts = " / ".join(q.number(int(rate[p] or 0)) for p in ("numerator", "denominator"))
        table.add_row(labels[name], name, f"{parts} = [bold]{shown}[/bold]")
    table.add_section()
    for name, count in document["counts"].items():
        table.add_row(labels[name], name, q.number(count))
    console.print(table)
    console.print(f"Tính đến {q.local_time(found.as_of)} · {q.TRUST_WORDS[found.trust]}")
    for reason in found.trust_reasons:
        console.print(f"  - {reason}")
    for portal in found.freshness:
        seen = q.local_time(portal.last_seen_at)
        console.print(f"Nguồn {portal.portal}: {portal.liveness.value}, {seen}")
