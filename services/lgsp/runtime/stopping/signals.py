"""The order to stop: SIGTERM or SIGINT, heard while a block runs."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from types import FrameType
from typing import Any

from lgsp.runtime.stopping.ending import LastResort

_ANOTHER_AFTER = 1.0  # seconds; `timeout` and shells send one order twice


class StopSignal:
    """Turns SIGTERM and SIGINT into a flag; a context manager that gives the handlers back.

    While `interrupts` is set, a signal raises KeyboardInterrupt, too: for work that looks at no
    flag. It does so once, so that what is cleaned up then is not interrupted.
    """

    def __init__(self) -> None:
        self.received = self.interrupts = False

    def __enter__(self) -> "StopSignal":
        self._previous = _handle(self._on_signal)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.received = True
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt

    def __call__(self) -> bool:
        """Tell whether a signal has come."""
        return self.received


@contextmanager
def stop_on_signal(last_resort: LastResort, within: float) -> Iterator[asyncio.Event]:
    """Give an event of the running loop that SIGTERM or SIGINT sets.

    From the signal on the process has `within` seconds to end, even when its loop stands still,
    in Python or in a library that waits: for a lock of the store, for one.
    Another signal, a second later or more, ends it at once with exit code 1. The handlers are
    given back after the block, unless a signal has come: then they stay until the end.
    """
    loop, stop, ordered_at = asyncio.get_running_loop(), asyncio.Event(), inf

    def order() -> None:
        nonlocal ordered_at
        now = time.monotonic()
        if now - ordered_at > _ANOTHER_AFTER:
            last_resort.exit_now()
        ordered_at = min(now, ordered_at)
        last_resort.exit_within(within)
        with suppress(RuntimeError):  # the loop is closed: it has stopped
            loop.call_soon_threadsafe(stop.set)

    previous = _handle(lambda _number, _frame: None)
    hearing, heard = socket.socketpair()
    for end in (hearing, heard):
        end.set_inheritable(False)
    heard.setblocking(False)
    waked = signal.set_wakeup_fd(heard.fileno(), warn_on_full_buffer=False)
    # Python runs a handler between two of its own instructions only. The system's part of it
    # writes the number here at once, whatever the main thread waits for.
    threading.Thread(target=_hear, args=(hearing, order), name="signals", daemon=True).start()
    try:
        yield stop
    finally:
        if ordered_at == inf:
            signal.set_wakeup_fd(waked)
            for number, handler in previous.items():
                signal.signal(number, handler)
            heard.close()  # which ends the thread


def _hear(numbers: socket.socket, order: Callable[[], None]) -> None:
    with numbers:
        while found := numbers.recv(16):
            if any(number in (signal.SIGTERM, signal.SIGINT) for number in found):
                order()


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Install the handler; return those that stood before."""
    return {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
