"""Waits of minutes played in milliseconds: a coroutine in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.turns import VirtualLoop

T = TypeVar("T")


def in_virtual_time(play: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run what `play` gives, called with the clock of the loop (seconds from 0)."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(play(loop.time))
