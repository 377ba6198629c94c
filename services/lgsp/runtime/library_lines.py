"""Lines of the libraries, held back where they say one thing again and again.

While a broker is away its clients complain many times a second. What matters of that we say
ourselves, a line a change; of the libraries one line a minute stays, with the number of those that
were held back since the one before.
"""

import logging
import time
from collections.abc import Callable

_EVERY = 60.0  # seconds
_NOTHING = frozenset({"Metadata refresh: failed Cancelled"})  # a client that was closed meanwhile
LIBRARIES = ("aiokafka", "asyncio", "faust", "kafka", "mode", "uvicorn")


class OnceAMinute(logging.Filter):
    """Lets one line a minute of each library pass, and of each place that tells of an exception.

    The line that passes has `held_back`: how many did not, since the one before.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[object, float] = {}
        self._held: dict[object, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line passes."""
        library = record.name.partition(".")[0]
        if library not in LIBRARIES or record.levelno >= logging.CRITICAL:
            return True
        if record.getMessage() in _NOTHING:
            return False
        place: object = library  # a closed set, as the places of the code are
        if record.exc_info:
            place = (record.pathname, record.lineno)
        now = self._clock()
        if now - self._passed.get(place, -_EVERY) < _EVERY:
            self._held[place] = self._held.get(place, 0) + 1
            return False
        self._passed[place] = now
        if held := self._held.pop(place, 0):
            record.__dict__["held_back"] = held
        return True
