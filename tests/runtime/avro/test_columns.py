"""Columnar decoding against the codec: the same records, the same values, whatever the bytes."""

import io
import random
from dataclasses import replace
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.domain.events import events

import lgsp_schemas
from lgsp.domain.details import Details, pack, unpack
from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.runtime.avro import layouts
from lgsp.runtime.avro.codec import EVENTS, decode_event, encode_event
from lgsp.runtime.avro.columns import UNKNOWN, Columns, decode_columns, packed_details

HEADER = b"\0" + EVENTS.schema_id.to_bytes(4, "big")


def row(found: Columns, i: int) -> DossierEvent | None:
    """Build the event of one row as the codec would; None where it is not ok."""
    if not found.ok[i]:
        return None
    record: dict[str, Any] = {}
    for name, numbers in found.numbers.items():
        if "." not in name:
            record[name] = None if numbers[i] == UNKNOWN else int(numbers[i])
    for name, starts in found.starts.items():
        raw = found.data[starts[i] : found.ends[name][i]]
        record[name] = raw if name in {"event_id", "sealed"} else raw.decode()
    record["status"] = Status(record["status"])
    record["channel"] = Channel(record["channel"])
    record["service_level"] = ServiceLevel(record["service_level"])
    record["reopens"], record["removed"] = bool(record["reopens"]), bool(record["removed"])
    packed = int(packed_details(found, np.array([i]))[0])
    record["details"] = unpack(packed) if record["details"] else None
    return DossierEvent(**record)


def held(details: Details | None) -> Details | None:
    """The details as far as the packed form holds them."""
    return None if details is None else unpack(pack(details))


def by_codec(value: bytes | None) -> DossierEvent | None:
    try:
        return decode_event(value)
    except RejectedRecord:
        return None


def agree(values: list[bytes | None]) -> Columns:
    """Assert that every ok row is what the codec reads."""
    found = decode_columns(values)
    for i, value in enumerate(values):
        expected = by_codec(value)
        try:
            ours = row(found, i)
        except UnicodeDecodeError:
            assert expected is None  # left to the moment it becomes text
            continue
        if ours is not None:
            if expected is not None and expected.sealed is None:
                ours = replace(ours, sealed=ours.sealed or None)
            assert ours == (expected and replace(expected, details=held(expected.details)))
    return found


@given(st.lists(events(), min_size=1, max_size=30))
def test_usual_records_are_all_read_and_equal(made: list[DossierEvent]) -> None:
    found = agree([encode_event(event) for event in made])

    assert found.ok.all()


longs = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, -1, 63, 64, -64, -65, 2**55 - 1, 2**55, -(2**55), 2**62]),
)


@given(st.data())
def test_every_long_is_read_or_left_to_the_codec(data: st.DataObject) -> None:
    event = data.draw(events())
    drawn = data.draw(st.lists(longs, min_size=4, max_size=4))
    at, seen, sequence, due = drawn
    event = replace(event, occurred_at=at, observed_at=seen, sequence=sequence, due_at=due)
    found = agree([encode_event(event)])

    assert found.ok[0] == all(-(2**55) <= number < 2**55 for number in drawn)


@st.composite
def mutations(draw: st.DrawFn) -> bytes | None:
    """A record's bytes after something has happened to them."""
    value = bytearray(encode_event(draw(events())))
    kind = draw(st.sampled_from(["cut", "flip", "insert", "grow", "id", "none", "noise"]))
    at = draw(st.integers(0, len(value) - 1))
    if kind == "cut":
        del value[at:]
    elif kind == "flip":
        value[at] ^= 1 << draw(st.integers(0, 7))
    elif kind == "insert":
        value[at:at] = draw(st.sampled_from([b"\x80", b"\xff" * 9 + b"\x01", b"\0", b"\x80\0"]))
    elif kind == "grow":
        value += draw(st.binary(min_size=1, max_size=9))
    elif kind == "id":
        value[:5] = draw(st.binary(min_size=5, max_size=5))
    elif kind == "none":
        return None
    else:
        return draw(st.one_of(st.binary(max_size=60), st.binary().map(lambda b: HEADER + b)))
    return bytes(value)


@given(st.lists(st.one_of(mutations(), events().map(encode_event)), min_size=1, max_size=20))
@example([b""])
@example([None])
@example([HEADER])
def test_broken_records_never_read_otherwise_than_by_the_codec(
    values: list[bytes | None],
) -> None:
    agree(values)


def test_every_truncation_and_every_flipped_bit(value: bytes) -> None:
    cut = [value[:n] for n in range(len(value))]
    flipped = [
        value[:i] + bytes([value[i] ^ (1 << bit)]) + value[i + 1 :]
        for i in range(len(value))
        for bit in range(8)
    ]
    assert not agree([*cut]).ok.any()
    agree([*flipped])


def test_a_cursor_that_has_left_the_last_record_stays_within_the_bytes(value: bytes) -> None:
    detailed = encode_event(replace(decode_event(value), details=Details(fee=1)))
    for whole in (value, detailed):
        for n in range(len(HEADER), len(whole)):
            assert not agree([detailed, whole[:n]]).ok[1]


def test_a_bad_record_does_not_hurt_its_neighbours(value: bytes) -> None:
    broken = value[:-3]
    huge = value[:21] + b"\xfe\xff\xff\xff\x0f" + value[22:]
    overlong = value[:21] + bytes([value[21] | 0x80, 0]) + value[22:]
    found = agree([value, broken, value, None, value, huge, value, overlong, b"", value])

    assert [True, False, True, False, True, False, True, False, False, True] == found.ok.tolist()


def test_no_records() -> None:
    assert decode_columns([]).ok.tolist() == []


def test_a_type_without_a_column_is_named() -> None:
    with pytest.raises(NotImplementedError, match="double"):
        layouts._fields({"fields": [{"name": "x", "type": "double"}]})


@pytest.fixture
def value() -> bytes:
    """One usual record."""
    from tests.store.rates.history import history

    return encode_event(history(random.Random(1), dossiers=1)[0])


def first_version(event: DossierEvent) -> bytes:
    """The event as programs of the first schema version write it."""
    record = EVENTS.decode(encode_event(event))
    schema = fastavro.parse_schema(lgsp_schemas.load_version("dossier_event", 1))
    out = io.BytesIO(b"\0" + (1).to_bytes(4, "big"))
    out.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


@given(st.lists(events(), min_size=1, max_size=10))
def test_records_of_the_first_version_are_read_in_columns_too(made: list[DossierEvent]) -> None:
    found = agree([first_version(event) for event in made])

    assert found.ok.all()


@given(st.lists(st.tuples(events(), st.booleans()), min_size=1, max_size=10))
def test_versions_side_by_side_are_read_or_left_to_the_codec(
    made: list[tuple[DossierEvent, bool]],
) -> None:
    values = [first_version(event) if first else encode_event(event) for event, first in made]
    found = agree([*values])

    firsts = sum(first for _, first in made)
    assert found.ok.sum() == max(firsts, len(made) - firsts)
