"""What a connector says of itself: alive, level or not, and what is amiss."""

from enum import StrEnum
from typing import NamedTuple

BEAT = 3_000
"""Ms between two words of a running connector."""
DEAD_AFTER = 12_000
"""Ms without a word after which a connector that should run counts as dead."""


class Phase(StrEnum):
    """What a connector's process does."""

    RUNNING = "running"
    ONCE = "once"  # ended by itself, caught up: it is started again by somebody
    STOPPED = "stopped"  # told to stop
    FAILED = "failed"  # ended with an error
    RETIRED = "retired"  # never to be started again


class Clock(StrEnum):
    """Which time counts in what is expected of a portal."""

    ALL = "all"
    WORKING_DAYS = "working_days"
    WORKING_HOURS = "working_hours"


class ConnectorStatus(NamedTuple):
    """One connector's word on itself.

    Args:
        portal: whose dossiers it reads; of a backfill: its checkpoint key.
        at: when it said so, ms UTC.
        level_at: when it had last read all there was, ms UTC; None: not yet.
        problems: code -> what is amiss, for a person.
        looked_at: when it last read anything from the portal, ms UTC, if only that nothing is new.
        new_at: when it last read something new, ms UTC.
        phase: what its process does.
        failing_since: since when its reads fail, ms UTC; None: they do not.
        failure: why, for a person.
        every: within how many ms the portal is expected to be read and to tell something new;
            0: nothing is said.
        clock: which time counts in `every`.
        poll: ms between two looks of a running connector.
        rows: records read by this process.
        rejected: records rejected by this process.
        left: what is known to be unread, in the source's own units; None: not known.
    """

    portal: str
    at: int
    level_at: int | None
    problems: dict[str, str]
    looked_at: int | None = None
    new_at: int | None = None
    phase: str = Phase.RUNNING
    failing_since: int | None = None
    failure: str = ""
    every: int = 0
    clock: str = Clock.ALL
    poll: int = 0
    rows: int = 0
    rejected: int = 0
    left: int | None = None

    def is_alive(self, now: int) -> bool:
        """Tell whether its process runs, as far as it says so."""
        return self.phase == Phase.RUNNING and now - self.at <= DEAD_AFTER

    def shifted(self, by: int) -> "ConnectorStatus":
        """Give it with its instants as our clock has them, which is `by` ms ahead of its own."""

        def moved(at: int | None) -> int | None:
            return None if at is None else at + by

        return self._replace(
            at=self.at + by,
            level_at=moved(self.level_at),
            looked_at=moved(self.looked_at),
            new_at=moved(self.new_at),
            failing_since=moved(self.failing_since),
        )
