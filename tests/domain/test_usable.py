"""One rule of what a usable event is: its limits exactly, and a cause for each thing refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.details import Details
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent
from lgsp.domain.status import Status
from lgsp.domain.usable import (
    DATES,
    FIRST_OBSERVATION,
    LONGEST_SEALED,
    LONGEST_TEXT,
    REQUIRED,
    TEXTS,
    check_usable,
    text_fault,
    usable_text,
)
from lgsp.domain.working_time import DAY_MS, KNOWN_YEARS
from tests.domain.events import events

NOW = 1_719_792_000_000
SINCE, UNTIL = KNOWN_YEARS
EVENT = DossierEvent(
    event_id=bytes(16),
    portal="one",
    province="H37",
    dossier_code="H37.1-240101-0001",
    agency="H37.1",
    status=Status.RECEIVED,
    occurred_at=NOW - DAY_MS,
    observed_at=NOW,
    due_at=NOW + DAY_MS,
)


def refused(event: DossierEvent, now: int | None = None) -> RejectedRecord:
    with pytest.raises(RejectedRecord) as caught:
        check_usable(event, KNOWN_YEARS, now)
    return caught.value


def with_value(name: str, value: Any) -> DossierEvent:
    return replace(EVENT, **{name: value})


@given(events())
def test_what_a_portal_states_is_usable(event: DossierEvent) -> None:
    check_usable(event, KNOWN_YEARS)
    check_usable(event, KNOWN_YEARS, max(event.observed_at, event.stated_at or 0))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "text", ["a\0b", "x" * (LONGEST_TEXT + 1), "ở" * (LONGEST_TEXT // 3 + 1), "a\ud800b"]
)
def test_a_text_that_no_store_holds_is_refused_by_name(name: str, text: str) -> None:
    found = refused(with_value(name, text))

    assert (RejectReason.BAD_VALUE, name) == (found.reason, found.field)
    assert found.value.encode()  # the cause itself can be logged and sent
    assert "\0" not in found.value
    assert len(found.value) < LONGEST_TEXT


@pytest.mark.parametrize("name", TEXTS)
def test_the_longest_text_is_usable(name: str) -> None:
    check_usable(with_value(name, "ở" * (LONGEST_TEXT // 3)), KNOWN_YEARS)
    check_usable(with_value(name, "x" * LONGEST_TEXT), KNOWN_YEARS)


@pytest.mark.parametrize("name", REQUIRED)
def test_what_tells_dossiers_apart_may_not_be_empty(name: str) -> None:
    found = refused(with_value(name, ""))

    assert (RejectReason.MISSING_FIELD, name) == (found.reason, found.field)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - set(REQUIRED)))
def test_other_texts_may_be_empty(name: str) -> None:
    check_usable(with_value(name, ""), KNOWN_YEARS)


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "at",
    [
        pytest.param(SINCE - 1, id="before"),
        pytest.param(UNTIL, id="after"),
        pytest.param(0, id="1970"),
        pytest.param(-62_135_596_800_000, id="0001"),
        pytest.param(253_402_275_600_000, id="9999"),
        pytest.param(2**63 - 1, id="64 bits"),
        pytest.param(-(10**5000), id="endless"),
    ],
)
def test_every_date_lies_in_the_calendar_s_years(name: str, at: int) -> None:
    found = refused(with_value(name, at))

    assert (RejectReason.BAD_DATE, name) == (found.reason, found.field)
    assert found.value


@pytest.mark.parametrize("name", DATES)
def test_the_calendar_s_first_and_last_instants_are_usable(name: str) -> None:
    check_usable(with_value(name, SINCE), KNOWN_YEARS)
    check_usable(with_value(name, UNTIL - 1), KNOWN_YEARS)


def test_an_observation_is_bounded_by_the_time_of_writing() -> None:
    check_usable(with_value("observed_at", NOW + DAY_MS), KNOWN_YEARS, NOW)
    check_usable(with_value("observed_at", FIRST_OBSERVATION), KNOWN_YEARS, NOW)
    check_usable(with_value("stated_at", NOW + DAY_MS), KNOWN_YEARS, NOW)
    assert "stated_at" == refused(with_value("stated_at", NOW + DAY_MS + 1), NOW).field
    for at in (NOW + DAY_MS + 1, FIRST_OBSERVATION - 1, 2**63 - 1, -(2**63)):
        found = refused(with_value("observed_at", at), NOW)
        assert (RejectReason.BAD_DATE, "observed_at") == (found.reason, found.field)


def test_an_observation_is_bounded_by_the_calendar_where_no_time_is_known() -> None:
    check_usable(with_value("observed_at", UNTIL - 1), KNOWN_YEARS)
    for at, now in ((UNTIL, None), (UNTIL, 2**63 - 1), (2**63 - 1, None)):
        assert "observed_at" == refused(with_value("observed_at", at), now).field


def test_numbers_and_sealed_data_are_bounded_by_what_the_log_holds() -> None:
    check_usable(replace(EVENT, sequence=2**63 - 1, sealed=bytes(LONGEST_SEALED)), KNOWN_YEARS)
    for event in (
        with_value("sequence", 2**63),
        with_value("sequence", 10**5000),
        with_value("sealed", bytes(LONGEST_SEALED + 1)),
        with_value("stated_row", -1),
        with_value("stated_row", 2**63),
        with_value("details", Details(fee=2**63)),
        with_value("details", Details(supplements=-1)),
    ):
        assert RejectReason.BAD_VALUE is refused(event).reason


@given(st.binary(max_size=LONGEST_TEXT + 8))
def test_bytes_are_a_usable_text_exactly_when_the_text_is_usable(raw: bytes) -> None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        assert usable_text(raw) is None
        return
    assert (None if text_fault(text) else text) == usable_text(raw)
