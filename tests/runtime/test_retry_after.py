"""Retry-After in all its forms, never below now and never beyond an hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.runtime.retry_after import LONGEST_ADVICE, advised_wait

NOW = 1_720_180_800.0  # Fri, 05 Jul 2024 12:00:00 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 0.5 ", 0.5),
        ("0", 0),
        ("-3", 0),
        ("86400", 3600),
        ("inf", 3600),
        ("-inf", 0),
        ("1720180830", 30),  # seconds since 1970
        ("1720180000", 0),
        ("1720270000", 3600),
        ("9" * 20, 3600),
        ("Fri, 05 Jul 2024 12:00:40 GMT", 40),
        ("Fri, 05 Jul 2019 12:00:00 GMT", 0),
        ("Fri, 05 Jul 2199 12:00:00 GMT", 3600),
        ("Friday, 05-Jul-24 12:00:40 GMT", 40),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("1_0", None),
        ("1e3", None),
        ("Fri, 05 Jul 2024 12:00:00 -0000", None),  # no zone: not an instant
        ("Fri, 35 Jul 2024 99:00:00 GMT", None),
    ],
)
def test_advice_is_seconds_from_now(header: str | None, seconds: float | None) -> None:
    assert seconds == advised_wait(header, NOW)


@given(
    st.text()
    | st.integers().map(str)
    | st.floats().map(str)
    | st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.from_regex(r"\w{3}, \d{1,3} \w{3} \d{1,6} \d{1,3}:\d{1,3}:\d{1,3} [+-]?\w{1,6}")
)
def test_whatever_it_says_is_bounded(header: str) -> None:
    advice = advised_wait(header)

    assert advice is None or 0 <= advice <= LONGEST_ADVICE
