"""What systemd is told of a process: it is ready, it is alive, it stops (sd_notify's protocol).

Without systemd, `NOTIFY_SOCKET` is not set and nothing happens.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

_SIGNS_A_LIMIT = 3  # signs of life within the limit of the watchdog


def notify_ready() -> None:
    """Say that the process has started: what waits for it may start, too."""
    _notify("READY=1")


def notify_stopping() -> None:
    """Say that the process has begun to stop."""
    _notify("STOPPING=1")


async def prove_life(alive: Callable[[], bool]) -> None:
    """Give signs of life while `alive` says so, until cancelled; systemd ends us without them.

    Runs on the loop that it speaks for. Returns at once when no watchdog waits.
    """
    limit = _limit()
    while limit:
        if alive():
            _notify("WATCHDOG=1")
        await asyncio.sleep(limit / _SIGNS_A_LIMIT)


def _limit() -> float:
    """Return the seconds within which the watchdog wants a sign of life; 0: there is none."""
    for_whom = os.environ.get("WATCHDOG_PID", "")
    if for_whom not in ("", str(os.getpid())):  # our parent's
        return 0
    try:
        return int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return 0


def _notify(state: str) -> None:
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    # Never waits, never fails: the process matters more than who watches it.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(state.encode(), address)
