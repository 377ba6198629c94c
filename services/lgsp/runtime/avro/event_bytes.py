"""A quick encoder for one schema, the dossier event: the bytes are those of codec.encode_event.

Connectors write a province's history through it, five times as fast as the general writer: it
knows the order of the fields, and the texts and dates that stand on many rows are encoded once.
"""

from enum import IntEnum
from functools import lru_cache

from lgsp.domain.details import Details
from lgsp.domain.event import DossierEvent
from lgsp.runtime.avro.codec import EVENTS, MAGIC

_CACHED = 65_536
_HEADER = MAGIC.to_bytes(1, "big") + EVENTS.schema_id.to_bytes(4, "big")
_SIX_BYTES, _SEVEN_BYTES = 1 << 35, 1 << 42
_NULL, _SOME, _FALSE, _TRUE = b"\x00", b"\x02", b"\x00", b"\x01"


def _long(number: int) -> bytes:
    """Encode a long: zigzag, then seven bits a byte, the least significant first."""
    rest = (number << 1) ^ (number >> 63)
    if _SIX_BYTES <= rest < _SEVEN_BYTES:  # a time of 1970..2039: without the loop
        return bytes(
            (
                rest & 127 | 128,
                rest >> 7 & 127 | 128,
                rest >> 14 & 127 | 128,
                rest >> 21 & 127 | 128,
                rest >> 28 & 127 | 128,
                rest >> 35,
            )
        )
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


@lru_cache(_CACHED)
def _repeated(value: str) -> bytes:
    return _text(value)


@lru_cache(_CACHED)
def _time(value: int | None) -> bytes:
    return _NULL if value is None else _SOME + _long(value)


@lru_cache(1024)
def _small(number: int) -> bytes:
    return _long(number)


def _text(value: str) -> bytes:
    raw = value.encode()
    return _small(len(raw)) + raw


@lru_cache(_CACHED)
def _details(details: Details) -> bytes:
    """Encode the optional record: enumerations as they are, numbers as null or a long."""
    parts = [
        _long(value) if isinstance(value, IntEnum) else _NULL if value is None else _some(value)
        for value in details
    ]
    return _SOME + b"".join(parts)


def _some(number: int) -> bytes:
    return _SOME + _long(number)


def encode_event_fast(event: DossierEvent) -> bytes:
    """Encode one event for `dossier-events`; its event_id must be filled in."""
    sealed = event.sealed
    return b"".join(
        (
            _HEADER,
            event.event_id,
            _repeated(event.portal),
            _repeated(event.province),
            _text(event.dossier_code),
            _repeated(event.agency),
            _repeated(event.procedure),
            _repeated(event.domain),
            _small(event.service_level),
            _small(event.channel),
            _repeated(event.source_status),
            _small(event.status),
            _TRUE if event.reopens else _FALSE,
            _long(event.occurred_at),
            _small(event.observed_at),
            _small(event.sequence),
            _time(event.submitted_at),
            _time(event.received_at),
            _time(event.due_at),
            _time(event.finished_at),
            _time(event.returned_at),
            _NULL if sealed is None else _SOME + _small(len(sealed)) + sealed,
            _time(event.stated_at),
            _small(event.stated_row),
            _TRUE if event.removed else _FALSE,
            _repeated(event.national_code),
            _NULL if event.details is None else _details(event.details),
        )
    )
