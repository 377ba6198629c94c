"""`lgsp topics repartition`: a log with more partitions, under a new name."""

import asyncio
from contextlib import closing
from dataclasses import replace

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.kafka.admin import grow_views
from lgsp.runtime.kafka.client import end_offsets, make_producer
from lgsp.runtime.kafka.log_identity import read_log, read_log_and_members
from lgsp.runtime.kafka.repartition import copy_and_seal, create, name_after
from lgsp.runtime.kafka.succession import (
    Succession,
    read_successions,
    successor,
    write_succession,
)
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.settings import Settings
from lgsp.store.rates.fold import LANE as RATES_LANE
from lgsp.store.sync.queue import LANE as SYNC_LANE


def repartition(settings: Settings, partitions: int, *, again: bool) -> dict[str, object]:
    """Copy the log to a topic of so many partitions; return what is to be set then.

    Connectors may write meanwhile; at the end they get errors until they are set to the new one.

    Raises:
        ConfigurationError: not more partitions than now, workers run, or an interrupted copy is
            in the way.
        FatalError: the copy is not whole, or this log was copied before.
        RetryableError: brokers away; run it again.
    """
    bootstrap, name = settings.bootstrap, settings.events_topic
    before = read_log(bootstrap, name)
    known = read_successions(bootstrap)
    after = successor(known, before)
    if after is None:
        if partitions <= before.partitions:
            raise ConfigurationError(
                f"--partitions {partitions}: {before} has not fewer than that"
            )
        for lane in (RATES_LANE, SYNC_LANE):
            _, members = read_log_and_members(bootstrap, name, f"lgsp-{lane}")
            if members:
                raise ConfigurationError(
                    f"workers of {lane} run (on {members[0].host}): stop all workers first, and"
                    " the feed; one that was killed leaves its group after LGSP_SESSION_TIMEOUT"
                )
        log = next(topic for topic in topics(settings) if topic.name == name)
        wanted = replace(log, name=name_after(name), partitions=partitions)
        after = create(bootstrap, wanted, again=again)
        total = sum(end_offsets(bootstrap, name).values())
        columns = (TextColumn("copying"), BarColumn(), TextColumn("{task.completed:,}"))
        with Progress(
            *columns, TimeRemainingColumn(), console=Console(stderr=True), auto_refresh=False
        ) as bar:
            task = bar.add_task("copy", total=total)
            ends = asyncio.run(
                copy_and_seal(
                    bootstrap,
                    name,
                    after.topic,
                    lambda done: bar.update(task, completed=done, refresh=True),
                )
            )
        grow_views(settings.model_copy(update={"partitions": partitions}))
        with closing(make_producer(bootstrap)) as producer:
            write_succession(producer, Succession(before, after, ends))
    return {
        "ended": str(before),
        "log": str(after),
        "records": sum(end_offsets(bootstrap, after.topic).values()),
        "set": {
            "LGSP_EVENTS_TOPIC": after.topic,
            "LGSP_PARTITIONS": str(after.partitions),
        },
        "then": "lgsp upgrade",
    }
