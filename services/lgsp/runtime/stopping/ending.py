"""Ends a process that shall end, whatever does not want to.

A task may swallow its cancellation, a library's stop may wait for an answer that never comes, a
thread may hold the interpreter up. State is safe in such a moment, for it is written in
transactions; but a process that neither works nor ends is restarted by nobody.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any


async def cancel_tasks(tasks: Iterable[asyncio.Task[Any]], within: float) -> list[str]:
    """Cancel the tasks and wait for their end, at most `within` seconds.

    Halfway they are cancelled once more: a library may have swallowed the first time. Errors of
    the tasks count as seen.

    Returns:
        Names of the tasks that still run.
    """
    running = set(tasks)
    for _ in range(2):
        for task in running:
            task.cancel()
        if running:
            ended, running = await asyncio.wait(running, timeout=within / 2)
            for task in ended:
                if not task.cancelled():
                    task.exception()
    return sorted(task.get_name() for task in running)


_HOLDS_ALL = 2.0  # seconds that a thread of ours may wait for the interpreter


class LastResort:
    """Exits with code 1 when time is up, on a thread that needs neither the loop nor a lock.

    What every thread was doing goes to stderr first: places in the code, no values. Where a
    library does not give the interpreter back, that is read while threads run, which may crash:
    the process ends that way, too.
    """

    def __init__(self) -> None:
        self._at = float("inf")
        self._timer: threading.Timer | None = None

    def exit_within(self, seconds: float) -> None:
        """Exit in `seconds` unless the process has ended by then; an earlier time stands."""
        at = time.monotonic() + seconds
        if at < self._at:
            self.cancel()
            self._at = at
            self._timer = threading.Timer(seconds, self.exit_now)
            self._timer.daemon = True
            self._timer.start()
            faulthandler.dump_traceback_later(seconds + _HOLDS_ALL, exit=True, file=_stderr())

    def cancel(self) -> None:
        """Let the process live on."""
        self._at = float("inf")
        if self._timer is not None:
            self._timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    def exit_now(self) -> None:
        """Exit; does not return."""
        faulthandler.dump_traceback(file=_stderr(), all_threads=True)
        os._exit(1)


def _stderr() -> Any:
    return sys.__stderr__  # sys.stderr may have been replaced by what is no file
