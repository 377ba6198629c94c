"""The header Retry-After: how long another side asks us to wait."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isnan

LONGEST_ADVICE = 3600.0
"""Seconds; a longer advice counts as this."""


def advised_wait(header: str | None) -> float | None:
    """Read Retry-After (seconds or an HTTP date) as seconds from now, from 0 to an hour.

    None when there is no advice, or none that can be read.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            at = parsedate_to_datetime(header)
        except ValueError:
            return None
        if at.tzinfo is None:
            return None
        seconds = (at - datetime.now(UTC)).total_seconds()
    if isnan(seconds):
        return None
    return min(max(0.0, seconds), LONGEST_ADVICE)
