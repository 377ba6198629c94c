"""The header Retry-After: how long another side asks us to wait; one reading for both sides.

A caller waits the longer of this and its own back-off, so no advice makes it more impatient.
"""

import re
import time
from email.utils import parsedate_to_datetime

LONGEST_ADVICE = 3600.0
"""Seconds; a longer advice counts as this."""

_AN_INSTANT = 1_000_000_000.0  # seconds: a number as large is a time of the clock (32 years else)
_NUMBER = re.compile(
    r"\s*[+-]?(?:\d{1,20}(?:\.\d{0,20})?|inf(?:inity)?)\s*", re.ASCII | re.IGNORECASE
)


def advised_wait(header: str | None, now: float | None = None) -> float | None:
    """Read Retry-After as seconds from now, from 0 to an hour.

    It may be seconds, an HTTP date or, as some servers send it, seconds since 1970.
    None when there is no advice, or none that can be read.

    Args:
        header: as received.
        now: seconds since 1970; None: by the clock.
    """
    if not header:
        return None
    now = time.time() if now is None else now
    if _NUMBER.fullmatch(header):
        seconds = float(header)
        if _AN_INSTANT <= seconds < float("inf"):
            seconds -= now
    elif (at := _instant(header)) is not None:
        seconds = at - now
    else:
        return None
    return min(max(0.0, seconds), LONGEST_ADVICE)


def _instant(header: str) -> float | None:
    """Read an HTTP date as seconds since 1970, None when it is none or names no zone."""
    try:
        at = parsedate_to_datetime(header)
        return None if at.tzinfo is None else at.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
