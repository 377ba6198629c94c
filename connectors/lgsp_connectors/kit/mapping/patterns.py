r"""Expressions that a YAML brings, tried on texts that a portal brings: bounded in time.

`(\w+-?)+` takes twice as long for each further letter of a text that it does not match: one cell
would hold up the portal for ever. Nothing in such an expression tells; so its time is limited.
"""

import re
import signal
import threading
from collections.abc import Callable
from typing import Any, NoReturn

SECONDS = 0.2
"""Of the processor, for one text; what is usual takes a few millionths."""


class _TooLongError(Exception):
    """The time is up."""


def bounded(
    find: Callable[[str], re.Match[str] | None], refuse: Callable[[], Exception]
) -> Callable[[str], re.Match[str] | None]:
    """Limit the time of an expression's method; on the main thread only, where rows are mapped.

    Args:
        find: `fullmatch` or `search` of a pattern.
        refuse: makes the error to raise when the time is up.
    """

    def run(text: str) -> re.Match[str] | None:
        if threading.current_thread() is not threading.main_thread():
            return find(text)
        before = signal.signal(signal.SIGVTALRM, _end)
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            try:
                return find(text)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except _TooLongError:
            raise refuse() from None
        finally:
            signal.signal(signal.SIGVTALRM, before)

    return run


def _end(_signal: int, _frame: Any) -> NoReturn:
    raise _TooLongError
