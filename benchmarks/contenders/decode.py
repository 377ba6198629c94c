"""aiokafka and our decoder of the log, nothing else."""

import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.contenders.process import read_task, report
from benchmarks.contenders.raw import consume
from lgsp.runtime.codec import decode_event


def decode(records: Sequence[Any]) -> None:
    """Decode the records of a partition."""
    for record in records:
        decode_event(record.value, sealed=False)


if __name__ == "__main__":
    task = read_task()
    watch = asyncio.run(consume(task, decode))
    report(task, watch, durable=False, note="consume and decode, nothing is computed")
