"""Whether the rates workers count by a clock that is ahead of the feed's."""

from collections.abc import Callable, Iterator

from sqlalchemy import Engine, inspect

from lgsp.domain.reasons import Finding, Reason
from lgsp.store.engine import reading
from lgsp.store.rates.clocks import AHEAD, CLOCKS, clocks_after


class ClockCheck:
    """Looks at what the workers say; one that is behind is seen by what it leaves unturned.

    Args:
        engine: the store, opened read-only.
        clock: gives now in ms UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine, self._clock, self._is_said = engine, clock, False

    def __call__(self) -> Iterator[Finding]:
        """Give a finding for each machine that is ahead, until its time has come."""
        with reading(self._engine) as connection:
            # A store of before has no such table until a worker opens it.
            self._is_said = self._is_said or inspect(connection).has_table(CLOCKS.name)
            ahead = clocks_after(connection, self._clock() + AHEAD) if self._is_said else []
        for machine, at in ahead:
            yield Finding(Reason.WORKER_AHEAD, detail=machine, at=at)
