"""Frees what is held for a procedure that the catalogue did not know, once it knows it.

The catalogue is asked again for each such procedure, seldom and one at a time: a catalogue that
was empty for a minute holds up nobody longer, and one that never learns it is hardly troubled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from lgsp.domain.errors import RetryableError
from lgsp.national.catalogue import Catalogue
from lgsp.national.planner import HeldReason
from lgsp.store.sync.held import HeldDossiers

_FIRST = 5.0  # seconds after which a procedure is asked for again; doubles up to the longest
_LONGEST = 300.0
_BETWEEN = 0.2  # seconds between two questions
_LOOK_EVERY = 60.0  # seconds between looks at the queue: procedures held by others or before us
_AT_ONCE = 1000  # dossiers freed in one transaction

_SEPARATOR = ": "


def held_for(procedure: str) -> str:
    """Return the cause of dossiers that are held for an unknown procedure."""
    return f"{HeldReason.UNKNOWN_PROCEDURE.value}{_SEPARATOR}{procedure}"


class Freeing:
    """Asks for the procedures that dossiers are held for.

    Args:
        held: the dossiers.
        catalogue: asked for the procedures.
        admit: waits while the portal does not answer.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        held: HeldDossiers,
        catalogue: Catalogue,
        admit: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._held = held
        self._catalogue = catalogue
        self._admit = admit
        self._clock = clock
        self._due: dict[str, tuple[float, float]] = {}  # procedure -> when to ask, pause so far
        self._log = structlog.get_logger().bind(part="freeing")

    def note(self, procedure: str) -> None:
        """Note that a dossier is now held for this procedure."""
        if procedure not in self._due:
            self._due[procedure] = (self._clock() + _FIRST, _FIRST)

    async def run(self) -> None:
        """Ask and free until cancelled."""
        look_at = 0.0
        while True:
            if self._clock() >= look_at:
                self._look()
                look_at = self._clock() + _LOOK_EVERY
            due = [p for p, (at, _) in self._due.items() if at <= self._clock()]
            for procedure in due:
                await self._admit()
                await self._ask(procedure)
                await asyncio.sleep(_BETWEEN)
            await asyncio.sleep(_BETWEEN)

    def _look(self) -> None:
        """Find what is held by now, also by a worker before us."""
        held = set()
        for cause in self._held.causes(HeldReason.UNKNOWN_PROCEDURE.value):
            _, known, procedure = cause.partition(_SEPARATOR)
            if known:
                held.add(procedure)
                self.note(procedure)
            else:  # an older version did not say for which: they are tried once more
                self._held.free(cause, _AT_ONCE)
        self._due = {p: due for p, due in self._due.items() if p in held}

    async def _ask(self, procedure: str) -> None:
        _, pause = self._due[procedure]
        freed = 0
        try:
            if await self._catalogue.names_anew(procedure) is not None:
                freed = self._held.free(held_for(procedure), _AT_ONCE)
                self._log.info("procedure_is_known", procedure=procedure, freed=freed)
        except RetryableError as error:
            self._log.info("procedure_not_asked", procedure=procedure, reason=str(error))
        longer = min(pause * 2, _LONGEST)
        # Known, and yet one may be held by a push that had asked before: until the next look.
        wait = 0 if freed == _AT_ONCE else longer
        self._due[procedure] = (self._clock() + wait, longer)
