"""Between dataclasses and Avro in Confluent framing: 0x00, 4-byte schema id, body."""

import io
import struct
from typing import Any

import fastavro
from fastavro.types import Schema

import lgsp_schemas
from lgsp.domain.details import Answer, Details, FilingPlace, Payment
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status

MAGIC = 0
_HEADER = struct.Struct(">bI")


class Codec:
    """Encodes records of one subject with its newest schema; decodes every registered version.

    Times are plain longs (ms since the epoch, UTC): logical types are left out when reading and
    writing, because they cost a third of the decoding time and the domain counts in integers.
    """

    def __init__(self, subject: str) -> None:
        entry = lgsp_schemas.registry()["subjects"][subject]
        name, versions = entry["schema"], {int(v): i for v, i in entry["versions"].items()}
        self.subject = subject
        self.schema_id: int = versions[max(versions)]
        self._reader: Schema = _parse(lgsp_schemas.load(name))
        self._writers: dict[int, Schema] = {
            schema_id: _parse(lgsp_schemas.load_version(name, version))
            for version, schema_id in versions.items()
        }
        self._header = _HEADER.pack(MAGIC, self.schema_id)

    def encode(self, record: dict[str, Any]) -> bytes:
        """Encode `record` with the newest schema; ValueError names the field that does not fit."""
        out = io.BytesIO()
        out.write(self._header)
        fastavro.schemaless_writer(out, self._reader, record)
        return out.getvalue()

    def decode(self, value: bytes | None) -> dict[str, Any]:
        """Decode one framed record, resolved to the newest schema.

        Raises:
            RejectedRecord: UNREADABLE, when the frame, the schema id or the body is not ours, or
                bytes are left over.
        """
        if value is None or len(value) < _HEADER.size:
            raise _unreadable("frame", "shorter than its 5-byte header")
        magic, schema_id = _HEADER.unpack_from(value)
        if magic != MAGIC:
            raise _unreadable("frame", f"magic byte is {magic}, not 0")
        writer = self._writers.get(schema_id)
        if writer is None:
            raise _unreadable("schema_id", f"{schema_id} is not registered for {self.subject}")
        body = io.BytesIO(value)
        body.seek(_HEADER.size)
        reader = None if schema_id == self.schema_id else self._reader
        try:
            record = fastavro.schemaless_reader(body, writer, reader)
        except EOFError as error:  # its text names the buffer by its address
            raise _unreadable("body", f"it ends early, after {len(value)} bytes") from error
        except Exception as error:  # fastavro raises what its C code meets
            raise _unreadable("body", f"{type(error).__name__}: {error}") from error
        if body.tell() != len(value):
            raise _unreadable("body", f"{len(value) - body.tell()} bytes left over")
        assert isinstance(record, dict)  # noqa: S101 - every subject is a record
        return record


def _parse(schema: dict[str, Any]) -> Schema:
    return fastavro.parse_schema(_without_logical_types(schema))


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _without_logical_types(v) for k, v in node.items() if k != "logicalType"}
    if isinstance(node, list):
        return [_without_logical_types(item) for item in node]
    return node


def _unreadable(field: str, detail: str) -> RejectedRecord:
    return RejectedRecord(RejectReason.UNREADABLE, field=field, detail=detail)


EVENTS = Codec("dossier-events-value")
CELLS = Codec("rate-cells-value")
RESULTS = Codec("sync-results-value")
LETTERS = Codec("dead-letters-value")

_ENUMS: dict[str, dict[str, Any]] = {
    "status": {s.name: s for s in Status},
    "channel": {c.name: c for c in Channel},
    "service_level": {s.name: s for s in ServiceLevel},
}
_DETAIL_ENUMS: dict[str, dict[str, Any]] = {
    "filing_place": {p.name: p for p in FilingPlace},
    "payment": {p.name: p for p in Payment},
    "fee_waived": {a.name: a for a in Answer},
    "vneid_verified": {a.name: a for a in Answer},
    "electronic_result": {a.name: a for a in Answer},
}
_PLAIN = tuple(
    name for name in DossierEvent.__dataclass_fields__ if name != "details" and name not in _ENUMS
)


def encode_event(event: DossierEvent) -> bytes:
    """Encode one event for `dossier-events`; its event_id must be filled in."""
    record = {name: getattr(event, name) for name in _PLAIN}
    for name in _ENUMS:
        record[name] = getattr(event, name).name
    details = None if event.details is None else event.details._asdict()
    if details is not None:
        details |= {name: details[name].name for name in _DETAIL_ENUMS}
    record["details"] = details
    return EVENTS.encode(record)


def decode_event(value: bytes | None, *, sealed: bool = True) -> DossierEvent:
    """Decode one record of `dossier-events`; RejectedRecord when it is not one.

    `sealed=False` leaves the sealed personal data out, for readers that have no business with it.
    """
    record = EVENTS.decode(value)
    if not sealed:
        record["sealed"] = None
    for name, members in _ENUMS.items():
        record[name] = members[record[name]]
    if details := record["details"]:
        known = {name: members[details[name]] for name, members in _DETAIL_ENUMS.items()}
        record["details"] = Details(**{**details, **known})
    return DossierEvent(**record)
