"""Where a rejected record was stated, kept with it, so that a replay is no later statement.

A record that comes back from a dead letter was stated when its source stated it, not when
somebody mended it: what the source has said since then stays the later word.
"""

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.sink import payload_of

FOUND = "lgsp:found"
"""Key of an object from a dead letter: file, file_time (ms UTC) and row of its record."""

_LAST_ROW = 2**31 - 1


def kept_of(record: Record) -> bytes:
    """Give the bytes that a dead letter keeps: the original record, and where it was stated."""
    if not isinstance(record.data, dict) or not record.file:
        return payload_of(record)
    found = {"file": record.file, "file_time": record.file_time, "row": record.row}
    return payload_of(record._replace(data={**record.data, FOUND: found}))


def as_stated(record: Record) -> Record:
    """Give the record as its source stated it, when it comes from a dead letter; else itself."""
    if not isinstance(record.data, dict) or FOUND not in record.data:
        return record
    data = dict(record.data)
    found = data.pop(FOUND)
    match found:
        case {"file": str() as file, "file_time": int() | None as at, "row": int() as row}:
            if 0 <= (at or 0) <= record.observed_at and 0 <= row <= _LAST_ROW:
                return record._replace(data=data, file=file, file_time=at, row=row)
    fault = RejectedRecord(
        RejectReason.BAD_VALUE,
        field=FOUND,
        detail="not as `lgsp dead-letters replay` wrote it: leave it as it was, or leave it out",
    )
    return record._replace(data=data, fault=record.fault or fault)
