"""The order to stop: SIGTERM or SIGINT, heard while a block runs."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from types import FrameType
from typing import Any

from lgsp.runtime.stopping.ending import LastResort

_ANOTHER_AFTER = 1.0  # seconds; `timeout` and shells send one order twice


class StopSignal:
    """Turns SIGTERM and SIGINT into a flag; a context manager that gives the handlers back."""

    def __init__(self) -> None:
        self.received = False

    def __enter__(self) -> "StopSignal":
        self._previous = _handle(self._on_signal)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.received = True

    def __call__(self) -> bool:
        """Tell whether a signal has come."""
        return self.received


@contextmanager
def stop_on_signal(last_resort: LastResort, within: float) -> Iterator[asyncio.Event]:
    """Give an event of the running loop that SIGTERM or SIGINT sets.

    From the signal on the process has `within` seconds to end, even when its loop stands still.
    Another signal, a second later or more, ends it at once with exit code 1. The handlers are
    given back after the block, unless a signal has come: then they stay until the end.
    """
    loop, stop, ordered_at = asyncio.get_running_loop(), asyncio.Event(), inf

    def order(_number: int, _frame: object) -> None:
        nonlocal ordered_at
        now = time.monotonic()
        if now - ordered_at > _ANOTHER_AFTER:
            last_resort.exit_now()
        ordered_at = min(now, ordered_at)
        last_resort.exit_within(within)
        with suppress(RuntimeError):  # the loop is closed: it has stopped
            loop.call_soon_threadsafe(stop.set)

    previous = _handle(order)
    try:
        yield stop
    finally:
        if ordered_at == inf:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Install the handler; return those that stood before."""
    return {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
