"""Waiting for what another task, thread or process does: bounded, and it names what did not come.

The only place of the tests where a loop sleeps (tests/test_scan.py holds to that).
"""

import asyncio
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import IO


def wait_until(what: str, true: Callable[[], bool], seconds: float = 60) -> None:
    """Ask again and again until it is true; AssertionError names what did not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


async def until(
    what: str, true: Callable[[], bool | Awaitable[bool]], seconds: float = 30
) -> None:
    """Do the same in a task; the question may itself be a coroutine."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if isawaitable(answer):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.005)


def read_line(
    process: subprocess.Popen[str],
    stream: IO[str] | None,
    what: str,
    true: Callable[[str], bool] = bool,
    seconds: float = 60,
) -> str:
    """Return the first line of a process's stream that is wanted; it is killed when none comes."""
    assert stream is not None
    killer = threading.Timer(seconds, process.kill)
    killer.start()
    try:
        for line in stream:
            if true(line):
                return line
    finally:
        killer.cancel()
    raise AssertionError(f"not within {seconds:.0f} s, or it ended before: {what}")
