"""A log with more partitions: copied under a new name, and the old one ended.

The old topic stays as it is, for reading. Whoever still writes to it gets an error, and states
again to the new one what was not acknowledged: checkpoints move behind acknowledged events only.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any

from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import (
    KafkaRecord,
    begin_offsets,
    end_offsets,
    make_producer,
    read_topic,
)
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.log_identity import LogIdentity, NoLogError, read_log
from lgsp.runtime.kafka.topics import NO_WRITES, Topic

_AT_ONCE = 20_000  # records between two flushes
_NEARLY = 5_000  # records behind from which on the old log is ended
_SEALED_WITHIN = 30.0  # seconds
_SETTLE = 3.0


def name_after(topic: str) -> str:
    """Return the name of the log that goes on after this one: `dossier-events-2`, `-3`."""
    base, number = re.fullmatch(r"(.*?)(?:-(\d+))?", topic, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{base}-{int(number or 1) + 1}"


def create(bootstrap: str, topic: Topic, *, again: bool) -> LogIdentity:
    """Create the topic that is to be filled.

    Args:
        bootstrap: brokers to ask.
        topic: as it must be.
        again: delete what an interrupted copy has left.

    Raises:
        ConfigurationError: there is one, and not `again`.
    """
    try:
        found = read_log(bootstrap, topic.name)
    except NoLogError:
        found = None
    with open_admin(bootstrap) as admin:
        if found is not None:
            if not again:
                raise ConfigurationError(
                    f"there is a topic {found} already, and it is not finished: an interrupted"
                    " copy, when nobody else has made it; delete it and copy anew with --again"
                )
            admin.delete_topics([topic.name])
            _wait(f"{topic.name} to be gone", lambda: topic.name not in admin.list_topics())
        shape = {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": topic.config,
        }
        admin.create_topics({topic.name: shape})
        admin.wait_for_topics([topic.name])
    return read_log(bootstrap, topic.name)


async def copy_and_seal(
    bootstrap: str, before: str, after: str, show: Callable[[int], None]
) -> dict[int, int]:
    """Copy a log whole, end it before its last records; return the ends of the new one.

    Records keep key, value and time; those of one partition keep their order.

    Args:
        bootstrap: brokers to ask.
        before: the log that is ended.
        after: the new one, empty.
        show: told how many records are copied.

    Raises:
        FatalError: the old log no longer starts at its beginning, or the copy is not whole.
        RetryableError: brokers away; run it again.
    """
    if any(begin_offsets(bootstrap, before).values()):
        raise FatalError(f"{before} no longer starts at offset 0: it is not the whole log")
    done: dict[int, int] = {}
    ended = settled = False
    async with BulkProducer(bootstrap, after) as out:
        while True:
            ends = end_offsets(bootstrap, before)
            await _copy(bootstrap, before, done, ends, out, show)
            left = sum(end_offsets(bootstrap, before).values()) - sum(done.values())
            if ended and not left:
                if settled:
                    break
                await asyncio.sleep(_SETTLE)  # nothing announces that the last leader knows of it
                settled = True
                continue
            settled = False
            if not ended and left <= _NEARLY:
                await asyncio.to_thread(end_log, bootstrap, before)
                ended = True
    copied = end_offsets(bootstrap, after)
    if sum(copied.values()) != sum(done.values()):
        raise FatalError(
            f"{after} has {sum(copied.values())} records, and {before} has {sum(done.values())}:"
            " somebody else writes there; see who, and copy anew with --again"
        )
    return copied


def end_log(bootstrap: str, topic: str) -> None:
    """Let nobody write to the topic any more: no batch is as small as it allows.

    (Not `min.insync.replicas`: brokers take no more of it than a topic has replicas.) That it is
    so is tried: the first record of each partition is sent once more, which changes no figure
    where it is still taken.

    Raises:
        FatalError: the brokers go on taking records.
    """
    with open_admin(bootstrap) as admin:
        name, nothing = NO_WRITES
        entries: Any = {name: (AlterConfigOp.SET, nothing)}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, entries)])
    ends = end_offsets(bootstrap, topic)
    firsts: dict[int, KafkaRecord] = {}
    for record in read_topic(bootstrap, topic):
        firsts.setdefault(record.partition, record)
        if len(firsts) == sum(1 for end in ends.values() if end):
            break
    for record in firsts.values():
        _wait(
            f"{topic}/{record.partition} to be ended", partial(_refuses, bootstrap, topic, record)
        )


def _refuses(bootstrap: str, topic: str, record: KafkaRecord) -> bool:
    with closing(make_producer(bootstrap)) as producer:
        producer.send(topic, record.key or b"", record.value, partition=record.partition)
        try:
            producer.flush()
        except FatalError:
            return True
    return False


async def _copy(
    bootstrap: str,
    topic: str,
    done: dict[int, int],
    ends: Mapping[int, int],
    out: BulkProducer,
    show: Callable[[int], None],
) -> None:
    todo = {partition: end for partition, end in ends.items() if end > done.get(partition, 0)}
    async for batch in read_batches(bootstrap, topic, todo, _AT_ONCE, starts=done):
        for record in batch.records:
            out.add(record.key or b"", record.value or b"", record.timestamp)
        await out.flush()
        done[batch.partition] = batch.next_offset
        show(sum(done.values()))


def _wait(what: str, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SEALED_WITHIN
    while not true():
        if time.monotonic() > deadline:
            raise FatalError(f"waited {_SEALED_WITHIN:.0f} s for {what}")
        time.sleep(0.2)  # between two questions to the brokers
