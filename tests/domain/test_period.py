import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import (
    Period,
    month_of,
    months_between,
    parse_as_of,
    parse_instant,
    parse_period,
    show_instant,
)
from lgsp.domain.working_time import day_of, day_start_ms


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-H1", "2024-01-01", "2024-06-30"),
        ("2024-H2", "2024-07-01", "2024-12-31"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
        ("2024-Q4", "2024-10-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-12", "2023-12-01", "2023-12-31"),
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2024-01-15..2024-02-20", "2024-01-15", "2024-02-20"),
        ("2023..2024-Q1", "2023-01-01", "2024-03-31"),
    ],
)
def test_every_form_gives_its_first_and_last_day(text: str, first: str, last: str) -> None:
    period = parse_period(text)

    assert {"name": text, "from": first, "to": last} == period.document()


def test_all_has_no_bounds() -> None:
    assert Period("all", None, None) == parse_period("all")
    assert parse_period("all").document() == {"name": "all", "from": None, "to": None}


@pytest.mark.parametrize(
    "text",
    ["", "2024-13", "2024-H3", "2024-Q0", "2024-02-30", "24", "2024..", "..", "2024-1", "0000"],
)
def test_other_forms_are_refused_with_the_text_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="period"):
        parse_period(text)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2024-01 is before 2024-02"):
        parse_period("2024-02..2024-01")


def test_days_are_those_of_vietnam() -> None:
    period = parse_period("2024-01-01")
    assert period.first_day is not None

    assert show_instant(day_start_ms(period.first_day)) == "2023-12-31T17:00:00Z"
    assert period.first_day == day_of(parse_instant("2023-12-31T17:00:00Z"))
    assert period.first_day - 1 == day_of(parse_instant("2023-12-31T16:59:59Z"))


@given(st.integers(2000, 2050))
def test_halves_quarters_and_months_tile_the_year(year: int) -> None:
    whole = parse_period(str(year))
    for parts in (
        [f"{year}-H{n}" for n in (1, 2)],
        [f"{year}-Q{n}" for n in (1, 2, 3, 4)],
        [f"{year}-{n:02d}" for n in range(1, 13)],
    ):
        periods = [parse_period(part) for part in parts]
        ends = [whole.first_day, *[p.end_day for p in periods]]

        assert ends == [*[p.first_day for p in periods], whole.end_day]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-06-30", "2024-06-30T16:59:59.999Z"),
        ("20240630", "2024-06-30T16:59:59.999Z"),
        ("2024-06-30T17:00", "2024-06-30T10:00:00Z"),
        ("2024-06-30T17:00:00+00:00", "2024-06-30T17:00:00Z"),
        ("2024-06-30T17:00:00Z", "2024-06-30T17:00:00Z"),
    ],
)
def test_instants_without_an_offset_are_vietnamese(text: str, instant: str) -> None:
    assert instant == show_instant(parse_instant(text))


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-W26",
        "2024-W26-7",
        "2024W26",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-01:00",
    ],
)
def test_an_instant_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(repr(text))):
        parse_instant(text)


def test_a_day_has_its_month() -> None:
    assert month_of(day_of(parse_instant("2024-02-29"))) == "2024-02"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("", None),
        ("2024-06-30", None),
        ("20240630", None),
        ("2024-06-29", "2024-06-29T16:59:59.999Z"),
        ("2024-06-30T10:00", "2024-06-30T03:00:00Z"),
    ],
)
def test_an_as_of_date_means_its_end_today_now_and_no_future(
    text: str, instant: str | None
) -> None:
    now = parse_instant("2024-06-30T10:00")

    assert instant == show_instant(parse_as_of(text, now))
    for later in ("2024-07-01", "20240701", "2024-06-30T10:01", "9999-12-31"):
        with pytest.raises(ConfigurationError, match="future"):
            parse_as_of(later, now)


def test_months_between_two_are_listed_over_the_years() -> None:
    assert ["2023-11", "2023-12", "2024-01"] == months_between("2023-11", "2024-01")
    assert ["0001-01"] == months_between("0001-01", "0001-01")


@pytest.mark.parametrize("text", ["٢٠٢٤", "2024-٠٦", "２０２４"])
def test_digits_of_other_scripts_make_no_period(text: str) -> None:
    with pytest.raises(ConfigurationError, match="none of"):
        parse_period(text)
