"""`lgsp topics`: brings the topics of the broker to what runtime/kafka/topics.py says."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from lgsp.cli.output import emit
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import Settings, load_settings

if TYPE_CHECKING:  # the Kafka client is only loaded when a command runs
    from lgsp.runtime.kafka.admin import TopicChange

Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add `lgsp topics apply|diff`."""
    group = typer.Typer(help="The topics: partitions, retention, replicas.", no_args_is_help=True)
    app.add_typer(group, name="topics")

    @group.command("apply")
    def apply(json: Json = False) -> None:
        """Create what is missing and set what differs; exit 1 when something cannot be mended."""
        from lgsp.runtime.kafka.admin import apply_topics

        settings = _settings()
        changes = apply_topics(settings)
        _show(settings, changes, as_json=json, verb="changed")

    @group.command("diff")
    def diff(json: Json = False) -> None:
        """Show what differs and change nothing; exit 1 when something does."""
        from lgsp.runtime.kafka.admin import diff_topics

        settings = _settings()
        found = diff_topics(settings)
        _show(settings, found, as_json=json, verb="differs")
        raise typer.Exit(1 if found else 0)


def _settings() -> Settings:
    settings = load_settings()
    configure_logs(settings, service="topics")
    return settings


def _show(
    settings: Settings, changes: Sequence["TopicChange"], *, as_json: bool, verb: str
) -> None:
    document = {
        "broker": settings.bootstrap,
        "topics": [
            {
                "name": topic.name,
                "partitions": topic.partitions,
                "replication": topic.replication,
                "config": topic.config,
            }
            for topic in topics(settings)
        ],
        verb: [change.document() for change in changes],
    }
    emit(document, as_json=as_json, render=lambda: _table(settings, changes, verb))


def _table(settings: Settings, changes: Sequence["TopicChange"], verb: str) -> Table:
    grid = Table(title=f"Topics at {settings.bootstrap}", title_justify="left")
    for name in ("Topic", "Partitions", "Config", verb.capitalize()):
        grid.add_column(name, overflow="fold")
    for topic in topics(settings):
        config = "\n".join(f"{key}={value}" for key, value in sorted(topic.config.items()))
        said = "\n".join(_sentence(change) for change in changes if change.topic == topic.name)
        grid.add_row(topic.name, str(topic.partitions), config, said or "-")
    return grid


def _sentence(change: "TopicChange") -> str:
    if change.refused:
        return f"[red]{change.refused}[/red]"
    if change.actual is None and change.kind == "missing":
        return f"missing: {change.wanted}"
    absent = "broker's default"
    return f"{change.name}: {change.actual or absent} → {change.wanted or absent}"
