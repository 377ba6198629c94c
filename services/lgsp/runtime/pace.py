"""How fast we may ask another side: one limit for connectors and the national portal."""

from aiolimiter import AsyncLimiter

_LONGEST = 86_400.0  # seconds between two calls: a rate below one a day is one a day


def limiter(per_second: float) -> AsyncLimiter | None:
    """Make a limiter of `per_second` calls, which may be less than one; None for 0, no limit.

    The first call goes at once. Above one a second, a burst of a second's calls is let through.
    """
    if not per_second:
        return None
    burst = max(1.0, per_second)  # the library refuses a bucket that holds less than one call
    return AsyncLimiter(burst, min(burst / per_second, _LONGEST))
