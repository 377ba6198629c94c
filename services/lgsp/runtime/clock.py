"""The wall clock, in the one unit that everything counts in."""

import time


def now_ms() -> int:
    """Return the time now in ms UTC."""
    return time.time_ns() // 1_000_000
