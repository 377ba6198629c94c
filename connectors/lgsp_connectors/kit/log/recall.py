"""Which dossiers a portal held, read from the log: what this machine knew of them was lost.

All that they stated is stated once more, which changes no figure. But a dossier that the portal
has taken out meanwhile is in no listing, and only who knows that it was there can remove it.
"""

import asyncio
import time

import structlog

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import instant_of, statement_of
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.client import end_offsets
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.known import Known

_AT_ONCE = 10_000  # records


async def recall(bootstrap: str, topic: str, portal: str, known: Known) -> None:
    """Make known every dossier of the portal that it held when it last spoke of it.

    A listing stated before the portal's last word is of the past, and removes nothing.

    Raises:
        RetryableError: the log is away.
    """
    started = time.monotonic()
    last: dict[str, tuple[int, bool]] = {}
    ends = await asyncio.to_thread(end_offsets, bootstrap, topic)
    async for batch in read_batches(bootstrap, topic, ends, _AT_ONCE):
        for record in batch.records:
            try:
                event = decode_event(record.value, sealed=False)
            except RejectedRecord:
                continue  # the processors tell of it
            if event.portal == portal:
                word = (statement_of(event), event.removed)
                last[event.dossier_code] = max(word, last.get(event.dossier_code, word))
    held = [code for code, (_, removed) in last.items() if not removed]
    known.keep(dict.fromkeys(held, Entry()), (), "")
    if last:
        known.is_newest(instant_of(max(order for order, _ in last.values())))
    seconds = round(time.monotonic() - started, 1)
    structlog.get_logger().warning(
        "known_recalled", portal=portal, dossiers=len(held), seconds=seconds
    )
