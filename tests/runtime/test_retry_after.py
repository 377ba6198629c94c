"""Retry-After in both its forms, never below now and never beyond an hour."""

import pytest

from lgsp.runtime.retry_after import advised_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 0.5 ", 0.5),
        ("-3", 0),
        ("86400", 3600),
        ("inf", 3600),
        ("Fri, 05 Jul 2019 12:00:00 GMT", 0),
        ("Fri, 05 Jul 2199 12:00:00 GMT", 3600),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("Fri, 05 Jul 2024 12:00:00 -0000", None),  # no zone: not an instant
    ],
)
def test_advice_is_seconds_from_now(header: str | None, seconds: float | None) -> None:
    assert seconds == advised_wait(header)
