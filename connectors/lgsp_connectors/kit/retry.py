"""Trying a read again: full jitter, or the wait that the other side advised; then giving up."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime import metrics

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 30.0
_Result = TypeVar("_Result")


async def retried(
    call: Callable[[], Awaitable[_Result]],
    *,
    give_up_seconds: float,
    failed: Callable[[RetryableError], None] = lambda _: None,
) -> _Result:
    """Await `call` until it succeeds; advice to wait never shortens our own back-off.

    Args:
        call: what is tried.
        give_up_seconds: longest time it is tried; 0: once.
        failed: told of each failure that another try may cure.

    Raises:
        FatalError: it still failed after `give_up_seconds`, or failed for good.
    """
    if not give_up_seconds:
        try:
            return await call()
        except RetryableError as error:
            raise FatalError(str(error)) from error
    failures = 0

    def wait(error: Exception) -> bool | float:
        nonlocal failures
        if not isinstance(error, RetryableError):
            return False
        failures += 1
        failed(error)
        metrics.CONNECTOR_RETRIES.inc()
        own = random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures))  # noqa: S311
        return max(own, error.wait or 0)

    try:
        async for attempt in stamina.retry_context(
            on=wait, attempts=None, timeout=give_up_seconds
        ):
            with attempt:
                return await call()
    except RetryableError as error:
        raise FatalError(f"gave up after {failures} failures: {error}") from error
    raise AssertionError("unreachable: the loop returns or raises")
