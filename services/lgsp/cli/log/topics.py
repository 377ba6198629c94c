"""`lgsp topics`: brings the topics of the broker to what runtime/kafka/topics.py says."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import cell, emit, list_table, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.settings import Settings
from lgsp.runtime.text import printable

if TYPE_CHECKING:  # the Kafka client is only loaded when a command runs
    from lgsp.runtime.kafka.admin import TopicChange


def register(app: typer.Typer) -> None:
    """Add `lgsp topics apply|diff|repartition`."""
    group = typer.Typer(help="The topics: partitions, retention, replicas.", no_args_is_help=True)
    app.add_typer(group, name="topics")

    @group.command("apply")
    def apply(data: Data = None, json: Json = False) -> None:
        """Create what is missing and set what differs; exit 1 when something cannot be mended."""
        from lgsp.runtime.kafka.admin import apply_topics

        settings = need_broker(begin("topics", data))
        changes = apply_topics(settings)
        _show(settings, changes, as_json=json, verb="changed")

    @group.command("diff")
    def diff(data: Data = None, json: Json = False) -> None:
        """Show what differs and change nothing; exit 1 when something does."""
        from lgsp.runtime.kafka.admin import diff_topics

        settings = need_broker(begin("topics", data))
        found = diff_topics(settings)
        _show(settings, found, as_json=json, verb="differs")
        raise typer.Exit(1 if found else 0)

    @group.command("repartition")
    def repartition(
        partitions: Annotated[int, typer.Option(help="How many.", min=1, max=10_000)],
        again: Annotated[
            bool, typer.Option("--again", help="Delete what an interrupted copy has left.")
        ] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Copy the log to a topic of more partitions and end the old one, which stays.

        Stop workers and feed first; connectors may go on, until they are refused at the end.
        """
        from lgsp.cli.log.repartition import repartition as copy

        settings = need_broker(begin("topics", data))
        report = copy(settings, partitions, again=again)
        emit(report, as_json=json, render=lambda: table("A log of more partitions", report))


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
    rows = []
    for topic in topics(settings):
        config = "\n".join(f"{key}={value}" for key, value in sorted(topic.config.items()))
        said = [_sentence(change) for change in changes if change.topic == topic.name]
        rows.append((topic.name, str(topic.partitions), Text(config), Text("\n").join(said)))
    columns = ("Topic", "Partitions", "Config", verb.capitalize())
    return list_table(f"Topics at {settings.bootstrap}", columns, rows, codes=["Topic"])


def _sentence(change: "TopicChange") -> Text:
    if change.refused:
        return Text(printable(change.refused), "red")
    if change.actual is None and change.kind == "missing":
        return Text(f"missing: {change.wanted}")
    absent = "broker's default"
    return cell(f"{change.name}: {change.actual or absent} → {change.wanted or absent}")
