"""What a connector cannot use: each record rejected once, and what an author's code did to one."""

import traceback
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime import metrics
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.memory.sent import Sent
from lgsp_connectors.kit.sink import Sink, payload_of

_MOST_SHOWN = 20  # rejects of one page written out in the log; all are dead letters

Reject = tuple[Record, RejectedRecord]


def reject_new(
    rejects: Sequence[Reject], sent: Sent, sink: Sink, log: Any, reading: str = ""
) -> list[Reject]:
    """Reject each record once, however often an overlap reads it; give those that are new.

    With another `reading` (another YAML) a record is rejected once more: its letter may have been
    closed in between.
    """
    ids = [_identity(record, error, reading) for record, error in rejects]
    fresh = sent.fresh(ids)
    new: list[Reject] = []
    for id_, (record, error) in zip(ids, rejects, strict=True):
        if id_ not in fresh:
            continue
        fresh.remove(id_)
        new.append((record, error))
        sink.reject(record, error)
        metrics.REJECTS.labels("connector", error.reason.value).inc()
        write = log.warning if len(new) <= _MOST_SHOWN else log.debug
        write(
            "record_rejected",
            origin=record.origin,
            reason=error.reason.value,
            field=error.field,
            value=error.value,
            detail=error.detail,
        )
    return new


def next_reading(before: str, yaml: str) -> str:
    """Number the readings of a source: one more each time that another YAML reads it."""
    last, _, number = before.partition("/")
    if last == yaml:
        return before
    return f"{yaml}/{int(number) + 1 if number.isdecimal() else 0}"


def _identity(record: Record, error: RejectedRecord, reading: str) -> bytes:
    """Give 16 bytes that stand for the reject."""
    # Without a payload (a torn file, a wrong header) only the place tells two rejects apart.
    what = payload_of(record) or record.origin.encode()
    number = reading.partition("/")[2]
    again = f"{number}\0" if number not in {"", "0"} else ""
    identity = f"{again}{error.reason}\0{error.field}\0".encode() + what
    return blake2b(identity, digest_size=16).digest()


def defect(error: Exception) -> RejectedRecord:
    """Say where code failed on a record; never its message, which may quote the record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if f.name == "to_events"), frames[-1])
    detail = f"{type(error).__name__} in {_place(frames[-1])}"
    if place is not frames[-1]:
        detail += f", from {_place(place)}"
    return RejectedRecord(RejectReason.DEFECT, detail=detail)


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno} ({frame.name})"
