"""Whose turn it is: fresh dossiers flow, failing ones have a part of the slots."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lgsp.domain.dossier import Dossier
from lgsp.national.kinds import Kind
from lgsp.store.sync.rows import Waiting

_REST = 1.0  # seconds of a failing dossier's slot after it has failed again


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A pending dossier in memory; `dossier` is None when its row cannot be read."""

    waiting: Waiting
    dossier: Dossier | None
    kinds: tuple[Kind, ...]

    @property
    def failing(self) -> bool:
        """Whether it has failed, or its kind has, while the portal worked."""
        return self.waiting.failing_since is not None


class Turns:
    """Dossiers that are to be pushed, in two queues.

    Failing ones have a quarter of the slots, one at least, so that whatever hangs on them leaves
    the others their way.

    Args:
        slots: dossiers pushed at once.
    """

    def __init__(self, slots: int) -> None:
        self.failing_slots = max(1, slots // 4)
        self._busy = 0  # slots that are with failing dossiers, or rest after one
        self._fresh: deque[Taken] = deque()
        self._failing: deque[Taken] = deque()
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        return len(self._fresh)

    @property
    def failing(self) -> int:
        """How many failing ones wait for their turn."""
        return len(self._failing)

    def put(self, taken: Taken) -> None:
        """Add one at the end of its queue."""
        (self._failing if taken.failing else self._fresh).append(taken)
        self._moved.set()

    def withdraw(self, unwanted: Callable[[Taken], object]) -> list[Taken]:
        """Take out the fresh ones that are unwanted."""
        gone = [taken for taken in self._fresh if unwanted(taken)]
        if gone:
            self._fresh = deque(taken for taken in self._fresh if not unwanted(taken))
        return gone

    async def next(self) -> Taken:
        """Wait for the next turn; `done` must follow."""
        while True:
            if self._failing and self._busy < self.failing_slots:
                self._busy += 1
                return self._failing.popleft()
            if self._fresh:
                return self._fresh.popleft()
            self._moved.clear()
            await self._moved.wait()

    def done(self, taken: Taken, *, failed: bool) -> None:
        """Give the slot back; after a failure it takes no failing dossier for a second."""
        if not taken.failing:
            return
        if failed:
            asyncio.get_running_loop().call_later(_REST, self._free)
        else:
            self._free()

    def _free(self) -> None:
        self._busy -= 1
        self._moved.set()
