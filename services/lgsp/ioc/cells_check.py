"""Compares the day cells with the dossiers all the time, at little cost."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import LgspError
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.working_time import Calendar, CalendarRangeError
from lgsp.runtime import metrics
from lgsp.store.figures.reading import reading
from lgsp.store.figures.sums import read_marker
from lgsp.store.figures.witnesses import (
    Disagreement,
    StoppedError,
    compare_exactly,
    compare_quickly,
)

_EVERY = 3.0  # seconds between two looks whether anything has changed
_QUICK_SHARE = 20  # a look that takes a second is followed by a pause of twenty
_EXACT_EVERY = 600.0
_EXACT_AGAIN = 60.0  # after a difference was found: it may have been mended
_EXACT_SHARE = 9  # of ten seconds one counts, nine rest
_IN_HASTE_AFTER = 300.0  # seconds after which a long count rests less: it holds a snapshot
_SHOWN = 3


class CellsCheck:
    """A thread that compares, and what it found last; a store that stands still is left alone.

    Args:
        engine: the store, opened read-only.
        profile: that it was counted by.
        calendar: that it was counted by.
        clock: gives now in ms UTC.
        exact_every: seconds between two exact comparisons.
    """

    def __init__(
        self,
        engine: Engine,
        profile: Profile,
        calendar: Calendar,
        clock: Callable[[], int],
        *,
        every: float = _EVERY,
        exact_every: float = _EXACT_EVERY,
    ) -> None:
        self._engine, self._profile, self._calendar = engine, profile, calendar
        self._clock, self._every, self._exact_every = clock, every, exact_every
        self._quick: Sequence[Disagreement] = ()
        self._exact: Sequence[Disagreement] = ()
        self._quick_of = self._exact_of = ""
        self._exact_at = float("-inf")
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to compare."""
        threading.Thread(target=self._run, name="cells-check", daemon=True).start()

    def close(self) -> None:
        """Stop comparing."""
        self._stop.set()

    def __call__(self) -> list[Finding]:
        """Give what was found last."""
        return differing(self._found())

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.look()
            except StoppedError:
                return
            except (LgspError, SQLAlchemyError, CalendarRangeError) as error:
                structlog.get_logger().debug("cells_not_compared", error=str(error))
            except Exception as error:  # noqa: BLE001 - the figures go on
                structlog.get_logger().error("cells_check_failed", error=repr(error))
            self._stop.wait(max(self._every, _QUICK_SHARE * (time.monotonic() - began)))

    def look(self) -> None:
        """Compare quickly when the store has changed, exactly when it is time, too."""
        with reading(self._engine, self._profile) as connection:
            marker = read_marker(connection)
        if marker != self._quick_of:
            self._quick = compare_quickly(self._engine, self._profile)
            self._quick_of = marker
        pause = _EXACT_AGAIN if self._exact else self._exact_every
        if marker != self._exact_of and time.monotonic() - self._exact_at >= pause:
            self._exact = compare_exactly(
                self._engine, self._profile, self._calendar, self._clock(), self._resting()
            )
            self._exact_of, self._exact_at = marker, time.monotonic()
        metrics.CELLS_DIFFER.set(len({(d.partition, d.measure) for d in self._found()}))

    def _found(self) -> list[Disagreement]:
        return [*self._quick, *self._exact]

    def _resting(self) -> Callable[[], bool]:
        began = last = time.monotonic()

        def rest() -> bool:
            nonlocal last
            worked = time.monotonic() - last
            share = _EXACT_SHARE if time.monotonic() - began < _IN_HASTE_AFTER else 1
            stopped = self._stop.wait(share * worked)
            last = time.monotonic()
            return not stopped

        return rest


def differing(found: Sequence[Disagreement]) -> list[Finding]:
    """Give the one finding of all differences, with the first of them."""
    if not found:
        return []
    shown = "; ".join(map(str, found[:_SHOWN]))
    more = f"; {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [Finding(Reason.CELLS_DIFFER, detail=shown + more, number=len(found))]
