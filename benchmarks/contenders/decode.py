"""aiokafka and our columnar decoder of the log, nothing else."""

import asyncio
from collections.abc import Sequence
from typing import Any

from benchmarks.contenders.process import read_task, report
from benchmarks.contenders.raw import consume
from lgsp.runtime.avro.columns import decode_columns


def decode(records: Sequence[Any]) -> None:
    """Decode the records of a partition."""
    columns = decode_columns([record.value for record in records])
    assert columns.ok.all()


if __name__ == "__main__":
    task = read_task()
    watch = asyncio.run(consume(task, decode))
    report(task, watch, durable=False, note="consume, decode in columns; nothing is computed")
