"""The broker of the benchmarks and its topics: one topic for each number of events, kept."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping

from tests.ports import free_port_pair

from benchmarks.cores import bound_to_the_others
from benchmarks.dataset import Dataset, KeyedValue
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.settings import load_settings

PARTITIONS = 8
_FLUSH_EVERY = 20_000
# Stored uncompressed, so that the raw limit, which we are measured against, is as high as it can
# be; the broker converts what our producer compresses.
EVENTS_CONFIG = {"compression.type": "uncompressed", "retention.ms": "-1"}


@contextlib.contextmanager
def broker(dataset: Dataset, *, beside_contenders: bool = False) -> Iterator[str]:
    """Run a broker of our own on the cache folder; give its bootstrap address.

    `beside_contenders` keeps it off the core on which the contenders run (benchmarks/cores.py).
    """
    settings = load_settings(
        data=dataset.folder / f"log-{dataset.name}", broker="", broker_port=free_port_pair()
    )
    place = bound_to_the_others() if beside_contenders else contextlib.nullcontext()
    with contextlib.ExitStack() as stack:
        with place:
            running = stack.enter_context(EmbeddedBroker(settings))
        yield running.bootstrap


def events_topic(bootstrap: str, dataset: Dataset, count: int) -> str:
    """Return the topic that holds exactly the first `count` events, produced when it is not."""
    name = f"events-{count}"
    held = sum(end_offsets(bootstrap, name).values())
    if held == count:
        return name
    if held:  # a run that was cut off
        with open_admin(bootstrap) as admin:
            admin.delete_topics([name])
    create(bootstrap, name, EVENTS_CONFIG)
    began = time.monotonic()
    asyncio.run(produce(bootstrap, name, dataset.records(count)))
    print(f"bench: produced {count:,} in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return name


def create(bootstrap: str, name: str, config: Mapping[str, str]) -> None:
    """Make a topic of eight partitions."""
    with open_admin(bootstrap) as admin:
        admin.create_topics({name: {"num_partitions": PARTITIONS, "configs": dict(config)}})
        admin.wait_for_topics([name])


def delete_of(bootstrap: str, group: str) -> None:
    """Delete the topics that a contender made for itself: their names hold its group's."""
    with open_admin(bootstrap) as admin:
        if names := [name for name in admin.list_topics() if group in name]:
            admin.delete_topics(names)


async def produce(bootstrap: str, topic: str, records: Iterable[KeyedValue]) -> None:
    """Produce the records as our connectors do."""
    async with BulkProducer(bootstrap, topic) as producer:
        waiting = 0
        for key, value in records:
            producer.add(key, value)
            waiting += 1
            if waiting == _FLUSH_EVERY:
                await producer.flush()
                waiting = 0
        await producer.flush()
