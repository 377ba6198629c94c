"""Every way of reading the log judges a record alike: one by one, in columns, in the fast fold."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.details import Details, Payment
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.usable import (
    DATES,
    FIRST_OBSERVATION,
    LONGEST_SEALED,
    LONGEST_TEXT,
    TEXTS,
    check_usable,
)
from lgsp.domain.working_time import DAY_MS
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.store.events import EventReader, read_event
from lgsp.store.rates.fast.events import ColumnReader
from lgsp.store.rates.fast.rows import Texts
from tests.domain.events import events
from tests.national.dossiers import step
from tests.store.rates.history import history

YEARS = load_calendar().years
NOW = 1_719_792_000_000
Read = DossierEvent | RejectedRecord


@dataclass
class Kept:
    """A record as a batch holds it."""

    value: bytes | None
    timestamp: int = 0
    offset: int = 0
    key: bytes | None = None


def kept(events: Sequence[DossierEvent], timestamp: int = 0) -> list[Kept]:
    return [Kept(encode_event(event), timestamp, i) for i, event in enumerate(events)]


def one_by_one(records: Sequence[Kept]) -> list[Read]:
    return EventReader(YEARS, sealed=True, columns_from=len(records) + 1).read(records)


def in_columns(records: Sequence[Kept]) -> list[Read]:
    return EventReader(YEARS, sealed=True, columns_from=0).read(records)


def shown(read: Sequence[Read]) -> list[Any]:
    """What was read, in a form to compare: no bytes are no personal data."""
    return [
        str(r) if isinstance(r, RejectedRecord) else replace(r, sealed=r.sealed or None)
        for r in read
    ]


def left_by_the_fast_fold(records: Sequence[Kept]) -> list[int]:
    return ColumnReader(Texts(), YEARS).read(records).others


def test_reads_whole_histories() -> None:
    made = history(random.Random(5), dossiers=60)

    assert made == in_columns(kept(made))
    assert made == one_by_one(kept(made))


def test_reads_every_optional_field_and_words_of_any_length() -> None:
    full = replace(
        step(1, 9),
        agency="Sở Tài chính " * 30,
        dossier_code="Hồ sơ 1",
        sealed=bytes(range(200)),
        returned_at=None,
        finished_at=step(1, 9).occurred_at,
        reopens=True,
        sequence=3000,
    )
    made = [with_id(full), step(0, 2)]

    assert made == in_columns(kept(made))


@pytest.mark.parametrize("columns_from", [0, 99])
def test_leaves_personal_data_out_where_nobody_asks_for_it(columns_from: int) -> None:
    made = history(random.Random(5), dossiers=3, sealed=b"SEALED")
    read = EventReader(YEARS, sealed=False, columns_from=columns_from).read(kept(made))

    assert [replace(event, sealed=None) for event in made] == read


def test_personal_data_is_judged_by_those_who_do_not_ask_for_it_too() -> None:
    made = [replace(step(0, 2), sealed=bytes(LONGEST_SEALED + 1))]
    for wanted in (True, False):
        for columns_from in (0, 99):
            reader = EventReader(YEARS, sealed=wanted, columns_from=columns_from)
            (read,) = reader.read(kept(made))
            assert isinstance(read, RejectedRecord)
            assert "sealed" == read.field


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 400), st.binary(max_size=3)), max_size=40
    )
)
def test_damaged_records_are_read_alike(damages: list[tuple[int, int, bytes]]) -> None:
    records = kept(history(random.Random(6), dossiers=6))
    for which, at, by in damages:
        record = records[which % len(records)]
        value = record.value or b""
        cut = at % (len(value) + 1)
        record.value = value[:cut] + by + value[cut + len(by) // 2 :]
    expected = one_by_one(records)

    assert shown(expected) == shown(in_columns(records))
    for i, read in enumerate(expected):
        assert not isinstance(read, RejectedRecord) or i in left_by_the_fast_fold(records)


_TEXTS = ("", "H37", "ở" * (LONGEST_TEXT // 3), "x" * LONGEST_TEXT, "x" * (LONGEST_TEXT + 1))
_AT = (YEARS.since, YEARS.since - 1, YEARS.until - 1, YEARS.until, 0, -1, NOW, 2**54, -(2**54))
_SEEN = (FIRST_OBSERVATION - 1, FIRST_OBSERVATION, NOW + DAY_MS, NOW + DAY_MS + 1, *_AT)


@st.composite
def at_the_limits(draw: st.DrawFn) -> DossierEvent:
    """An event in which some attributes stand at, before or after what is allowed."""
    event = draw(events())
    for name in draw(st.lists(st.sampled_from(TEXTS), max_size=2)):
        text = draw(st.sampled_from([*_TEXTS, "a\0b"]))
        event = replace(event, **{name: text})  # type: ignore[arg-type]
    for name in draw(st.lists(st.sampled_from(DATES), max_size=2)):
        event = replace(event, **{name: draw(st.sampled_from(_AT))})  # type: ignore[arg-type]
    seen = draw(st.sampled_from(_SEEN))
    size = draw(st.sampled_from([0, LONGEST_SEALED, LONGEST_SEALED + 1]))
    sealed = bytes(size) if draw(st.booleans()) else event.sealed
    if draw(st.booleans()):
        number = st.sampled_from([None, 0, 30, 31, 2**40, -1])
        details = Details(fee=draw(number), supplements=draw(number), payment=Payment.NONE)
        row = draw(st.sampled_from([0, 7, -1]))
        event = replace(event, details=details, stated_row=row)
    return with_id(replace(event, observed_at=seen, sealed=sealed))


def verdict(event: DossierEvent, written_at: int) -> str:
    """What the domain says of the event; "" when it is usable."""
    try:
        check_usable(event, YEARS, written_at if written_at > 0 else None)
    except RejectedRecord as cause:
        return str(cause)
    return ""


@given(
    st.lists(at_the_limits(), min_size=1, max_size=12),
    st.sampled_from([NOW, 0, -1, 2**54, YEARS.until]),
)
def test_every_way_of_reading_judges_an_event_alike(
    made: list[DossierEvent], written_at: int
) -> None:
    records = kept(made, written_at)
    expected = one_by_one(records)
    for event, read in zip(made, expected, strict=True):
        assert verdict(event, written_at) == (
            str(read) if isinstance(read, RejectedRecord) else ""
        )
    refused = [i for i, read in enumerate(expected) if isinstance(read, RejectedRecord)]

    assert shown(expected) == shown(in_columns(records))
    # These are its usual records: none that is usable is left to the slow way either.
    assert refused == left_by_the_fast_fold(records)


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xff\xff\xff", b"\xc0\x80\x01"])
def test_bytes_that_are_no_text_are_refused_by_every_way(text: bytes) -> None:
    value = encode_event(step(0, 2))
    for name in TEXTS:
        event = replace(step(0, 2), **{name: "###"})  # type: ignore[arg-type]
        value = encode_event(event).replace(b"###", text)
        (read,) = one_by_one([Kept(value)])
        (again,) = in_columns([Kept(value)])
        assert isinstance(read, RejectedRecord)
        assert str(read) == str(again)
        assert RejectReason.UNREADABLE is read.reason
        assert [0] == left_by_the_fast_fold([Kept(value)])


def test_what_is_no_record_is_refused() -> None:
    records = [Kept(value) for value in (None, b"", b"\x00\x00\x00\x00\x01")]

    assert shown(one_by_one(records)) == shown(in_columns(records))
    for record in records:
        with pytest.raises(RejectedRecord):
            read_event(record, YEARS)
