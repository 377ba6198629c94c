import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp.runtime.avro.codec import CELLS, EVENTS, decode_event, encode_event

EVENT = with_id(
    DossierEvent(
        portal="p",
        province="H37",
        dossier_code="H37.1-240102-0001",
        agency="H37.1",
        status=Status.RECEIVED,
        occurred_at=1,
        observed_at=2,
        sealed=b"sealed",
    )
)


def test_the_frame_is_confluent_s() -> None:
    assert struct.pack(">bI", 0, EVENTS.schema_id) == encode_event(EVENT)[:5]


def test_a_reader_without_business_does_not_see_the_sealed_data() -> None:
    assert replace(EVENT, sealed=None) == decode_event(encode_event(EVENT), sealed=False)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "frame"),
        (b"", "frame"),
        (b"\x00\x00\x00\x00", "frame"),
        (b"\x01" + encode_event(EVENT)[1:], "frame"),
        (
            CELLS.encode(
                dict.fromkeys(("agency", "domain", "procedure", "profile"), "x")
                | {"partition": 0, "day": 0}
            ),
            "schema_id",
        ),
        (encode_event(EVENT)[:-1], "body"),
        (encode_event(EVENT) + b"\x00", "body"),
    ],
)
def test_what_is_not_an_event_is_rejected_with_its_part(value: bytes | None, field: str) -> None:
    with pytest.raises(RejectedRecord) as caught:
        decode_event(value)

    assert (RejectReason.UNREADABLE, field) == (caught.value.reason, caught.value.field)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(body: bytes) -> None:
    frame = struct.pack(">bI", 0, EVENTS.schema_id)

    assert read(frame + body) in {DossierEvent, RejectReason.UNREADABLE}


def read(value: bytes) -> object:
    """Return what came of it: the type of the event, or the reason of the reject."""
    try:
        return type(decode_event(value))
    except RejectedRecord as error:
        return error.reason
