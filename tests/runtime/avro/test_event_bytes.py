from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st
from tests.domain.events import details

from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.runtime.avro.codec import decode_event, encode_event
from lgsp.runtime.avro.event_bytes import encode_event_fast

longs = st.integers(-(2**63), 2**63 - 1)
times = st.none() | longs
texts = st.text(max_size=80)
events = st.builds(
    DossierEvent,
    event_id=st.binary(min_size=16, max_size=16),
    portal=texts,
    province=texts,
    dossier_code=texts,
    agency=texts,
    procedure=texts,
    domain=texts,
    source_status=texts,
    service_level=st.sampled_from(ServiceLevel),
    channel=st.sampled_from(Channel),
    status=st.sampled_from(Status),
    reopens=st.booleans(),
    occurred_at=longs,
    observed_at=longs,
    sequence=longs,
    submitted_at=times,
    received_at=times,
    due_at=times,
    finished_at=times,
    returned_at=times,
    sealed=st.none() | st.binary(max_size=200),
    stated_at=times,
    stated_row=longs,
    removed=st.booleans(),
    national_code=texts,
    details=st.none() | details,
)


@given(events)
def test_gives_the_bytes_of_the_general_writer(event: DossierEvent) -> None:
    assert encode_event(event) == encode_event_fast(event)
    assert event == decode_event(encode_event_fast(event))


def test_knows_every_field() -> None:
    """A new field must be added to the quick encoder too."""
    assert len(fields(DossierEvent)) == 26
