"""Dates as other people's tables have them: several forms, Excel's days, SA and CH, 24:00."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_connectors.kit.mapping.dates import Dates
from lgsp_connectors.kit.mapping.times import compile_iso
from lgsp_connectors.kit.mapping.words import Words

ZONE = "Asia/Ho_Chi_Minh"
at = compile_iso(ZONE)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("10/03/2024 17:30", "2024-03-10T17:30"),
        ("10/03/2024", "2024-03-10T00:00"),
        ("45292", "2024-01-01T00:00"),
        ("45292.5", "2024-01-01T12:00"),
        ("45292,5", "2024-01-01T12:00"),
        ("45292.354166666664", "2024-01-01T08:30"),
        ("45292.0", "2024-01-01T00:00"),
        (45292, "2024-01-01T00:00"),
        (45292.75, "2024-01-01T18:00"),
        (date(2024, 7, 5), "2024-07-05T00:00"),
        (datetime(2024, 7, 5, 8, 15), "2024-07-05T08:15"),  # noqa: DTZ001 - a sheet has no zone
        ("  10/03/2024 ", "2024-03-10T00:00"),
        ("10/03/2024 24:00", "2024-03-11T00:00"),
    ],
)
def test_one_column_may_hold_several_forms(text: Any, instant: str) -> None:
    dates = Dates(["%d/%m/%Y %H:%M", "%d/%m/%Y", "excel"], ZONE)
    assert at(instant) == dates.read(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("05/07/2024 8:00 SA", "2024-07-05T08:00"),
        ("05/07/2024 5:00 CH", "2024-07-05T17:00"),
        ("05/07/2024 12:00 SA", "2024-07-05T00:00"),
        ("05/07/2024 12:30 ch", "2024-07-05T12:30"),
        ("05/07/2024 5:00 PM", "2024-07-05T17:00"),
        ("05/07/2024 9:05 sáng", "2024-07-05T09:05"),
        ("05/07/2024 3:05 chiều", "2024-07-05T15:05"),
    ],
)
def test_sa_and_ch_are_the_halves_of_the_day(text: str, instant: str) -> None:
    assert at(instant) == Dates(["%d/%m/%Y %I:%M %p"], ZONE).read(text)
    day, time, half = text.split()
    assert at(instant) == Dates(["%d/%m/%Y %I:%M%p"], ZONE).read(f"{day} {time}{half}")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d/%m/%Y %H:%M", "31/12/2024 24:00"),
        ("%d/%m/%Y %H:%M:%S", "31/12/2024 24:00:00"),
        ("%H:%M %d-%m-%Y", "24:00 31-12-2024"),
        ("%Hh%M %d/%m/%Y", "24h00 31/12/2024"),
        ("iso", "2024-12-31T24:00"),
        ("iso", "2024-12-31T24:00:00+07:00"),
        ("iso", "20241231T2400"),
    ],
)
def test_24_00_is_the_end_of_its_day(form: str, text: str) -> None:
    assert at("2025-01-01T00:00") == Dates([form], ZONE).read(text)


@pytest.mark.parametrize("text", ["31/12/2024 24:01", "31/12/2024 25:00", "24/13/2024 08:00"])
def test_what_lies_beyond_24_00_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        Dates(["%d/%m/%Y %H:%M"], ZONE).read(text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d/%m/%Y", "10/03/2024"),
        ("iso", "2024-03-10"),
        ("iso", "20240310"),
        ("excel", "45361"),
        ("excel", 45361.0),
        ("excel", date(2024, 3, 10)),
    ],
)
def test_a_day_without_a_time_ends_where_the_mapping_says(form: str, text: Any) -> None:
    assert at("2024-03-10T23:59:59.999") == Dates([form], ZONE, end_of_day=True).read(text)
    assert at("2024-03-10T00:00") == Dates([form], ZONE).read(text)


@pytest.mark.parametrize(
    "text",
    ["10/03/2024 00:00", datetime(2024, 3, 10)],  # noqa: DTZ001 - a sheet has no zone
)
def test_a_stated_midnight_is_no_missing_time(text: Any) -> None:
    dates = Dates(["%d/%m/%Y %H:%M", "%d/%m/%Y"], ZONE, end_of_day=True)
    assert at("2024-03-10T00:00") == dates.read(text)


def test_a_day_ends_in_its_own_zone_also_when_the_clocks_change() -> None:
    dates = Dates(["iso"], "Europe/Amsterdam", end_of_day=True)
    assert compile_iso(None)("2024-03-31T23:59:59.999+02:00") == dates.read("2024-03-31")


@pytest.mark.parametrize(
    "forms",
    [
        ["%d/%m/%Y", "%m/%d/%Y"],
        ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"],
        ["iso", "%Y-%d-%m"],
        ["%Y%m%d%H", "%Y%m%d"],
    ],
)
def test_two_forms_that_read_one_text_otherwise_are_refused(forms: list[str]) -> None:
    with pytest.raises(ValueError, match="is one date by"):
        Dates(forms, ZONE)


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("%d/%m/%Y %I:%M", "%I, the 12-hour clock, and %p"),
        ("%d/%m/%Y %H:%M %p", "%I, the 12-hour clock, and %p"),
        ("%d/%m %H:%M", "does not tell day, month and year"),
        ("%m/%Y", "does not tell day, month and year"),
        ("%d/%m/%Y %K", "is a bad directive"),
    ],
)
def test_a_form_that_leaves_the_time_open_is_refused(form: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Dates([form], ZONE)


@pytest.mark.parametrize(
    "value",
    ["31/12/9999", "31/12/9999 23:59:59", "-", "NULL", date(9999, 12, 31), "", None, " - "],
)
def test_words_and_days_that_mean_nothing_are_not_known(value: Any) -> None:
    words = Words(["-", "NULL", "31/12/9999"])
    assert Dates(["%d/%m/%Y", "%d/%m/%Y %H:%M:%S"], ZONE, words=words).read(value) is None


@pytest.mark.parametrize("value", ["31/12/9999", "01/01/0001", date(1, 1, 1), "29/02/2023", "0"])
def test_a_day_that_no_dossier_has_is_a_fault_that_does_not_quote_it(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not between|not of the form") as caught:
        Dates(["%d/%m/%Y"], ZONE).read(value)
    assert str(value) not in str(caught.value)


@given(st.integers(32_874, 58_806), st.integers(0, 86_399))
def test_a_serial_day_is_that_many_days_after_excels_beginning(day: int, second: int) -> None:
    found = Dates(["excel"], ZONE).read(json.loads(json.dumps(day + second / 86_400)))
    assert at("1990-01-01T00:00") + (day - 32_874) * 86_400_000 + second * 1000 == found


@pytest.mark.parametrize("text", ["12345", "99999", "45292.5.1", "-45292", "4529", True, "4e4"])
def test_what_is_no_serial_day_is_a_fault(text: Any) -> None:
    with pytest.raises(ValueError, match="serial day"):
        Dates(["excel"], ZONE).read(text)
