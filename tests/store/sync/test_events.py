"""Reading a batch by columns gives the events that decoding them one by one gives."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.national.dossiers import step
from tests.national.harness import CALENDAR
from tests.store.rates.history import history

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent, with_id
from lgsp.runtime.avro.codec import decode_event, encode_event
from lgsp.store.sync.events import EventColumns

READER = EventColumns(CALENDAR)


def one_by_one(value: bytes) -> DossierEvent | None:
    try:
        event = decode_event(value)
    except RejectedRecord:
        return None
    return replace(event, sealed=event.sealed or None)  # no bytes are no data


def test_reads_whole_histories() -> None:
    events = history(random.Random(5), dossiers=60)
    assert events == READER.read([encode_event(event) for event in events])


def test_reads_every_optional_field_and_words_of_any_length() -> None:
    full = replace(
        step(1, 9),
        agency="Sở Tài chính " * 30,
        sealed=bytes(range(200)),
        returned_at=None,
        finished_at=step(1, 9).occurred_at,
        reopens=True,
        sequence=3000,
    )
    events = [with_id(full), step(0, 2)]
    assert events == READER.read([encode_event(event) for event in events])


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 400), st.binary(max_size=3)), max_size=40
    )
)
def test_what_it_reads_of_damaged_records_is_what_they_hold(
    damages: list[tuple[int, int, bytes]],
) -> None:
    values = [encode_event(event) for event in history(random.Random(6), dossiers=6)]
    for which, at, by in damages:
        value = values[which % len(values)]
        cut = at % (len(value) + 1)
        values[which % len(values)] = value[:cut] + by + value[cut + len(by) // 2 :]
    for value, found in zip(values, READER.read(values), strict=True):
        assert found is None or found == one_by_one(value)


def test_leaves_dates_outside_the_calendar_and_what_is_no_record() -> None:
    early = with_id(replace(step(0, 2), due_at=1))
    values = [encode_event(early), None, b"", b"\x00\x00\x00\x00\x01"]
    assert [None] * 4 == READER.read(values)
