"""A rate below one a second is a rate like any other."""

import asyncio

import pytest

from lgsp.runtime.pace import limiter


@pytest.mark.parametrize("per_second", [1e-320, 0.5, 1, 2.5])
async def test_the_first_call_goes_at_once(per_second: float) -> None:
    pace = limiter(per_second)
    assert pace is not None
    await asyncio.wait_for(pace.acquire(), 0.2)


async def test_the_next_call_waits_its_time() -> None:
    pace = limiter(0.8)
    assert pace is not None
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pace.acquire()
    await pace.acquire()
    assert 1.2 < loop.time() - began < 3


def test_no_rate_is_no_limit() -> None:
    assert limiter(0) is None
