"""Looks one dossier up at the national portal and compares it, whoever pushes meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from sqlalchemy import Engine

from lgsp.domain.errors import RetryableError
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.held import Here, There
from lgsp.domain.reconciliation.lateness import received_late, reception_deadline
from lgsp.domain.reconciliation.mismatch import Mismatch
from lgsp.domain.reconciliation.shown import late_there
from lgsp.national.breaker import Breaker
from lgsp.national.client import NationalClient
from lgsp.reconciliation.known import Knowing, KnownDossier
from lgsp.reconciliation.national_sides import there_of
from lgsp.store.engine import reading
from lgsp.store.sync.reading import QueueRow, rows_of

_TRIES = 4  # of one dossier, while the portal answers others
_PAUSE = 0.5  # seconds before the next try; doubles
_LONGEST_PAUSE = 5.0
_MOVES = 3  # pushes that may come between look-up and comparison


Item = TypeVar("Item")


class Checked(NamedTuple):
    """A dossier that was compared; `known` is None when the queue has it no more."""

    known: KnownDossier | None
    there: There
    found: tuple[Mismatch, ...]


class OutOfCallsError(Exception):
    """The budget of calls, or the time, is spent."""


class Checker:
    """Compares dossiers one by one, as often and as long as it may.

    Args:
        engine: the sync's store.
        client: the portal, opened by the caller; its pace holds.
        knowing: reads dossiers, by the rules of a profile.
        province: whose codes are ours.
        clock: gives now in ms UTC.
        calls: most look-ups; None: as many as it takes.
        patience: seconds for which a portal that answers nothing is waited for.
    """

    def __init__(
        self,
        engine: Engine,
        client: NationalClient,
        knowing: Knowing,
        province: str,
        clock: Callable[[], int],
        *,
        calls: int | None = None,
        patience: float = 60.0,
    ) -> None:
        self._engine = engine
        self._client = client
        self._knowing = knowing
        self._province = province
        self._clock = clock
        self._most = calls
        self._patience = patience
        self.calls = 0
        self.breaker = Breaker(client.look_up_nobody)

    async def check(self, code: str) -> Checked | None:
        """Look up and compare a dossier of the queue, by its code there.

        Returns:
            None: the portal does not tell of this dossier, though it answers others; or the queue
            has no such dossier.

        Raises:
            OutOfCallsError: no more look-ups are allowed.
            RetryableError: the portal answers nothing at all.
        """
        before = self._row(code)
        for move in range(_MOVES):
            if before is None:
                return None
            known = self._knowing.know(before)
            there = await self._look_up(known.here.code)
            if there is None:
                return None
            after = self._row(code)
            if move == _MOVES - 1 or after is None or _is_same(before, after):
                there = self._judged(known, there)
                found = compare(known.here, there, self._knowing.profile.statuses)
                return Checked(known, there, found)
            before = after  # it was pushed meanwhile, or an event came
        return None

    async def _look_up(self, code: str) -> There | None:
        pause = _PAUSE
        for _ in range(_TRIES):
            try:
                await asyncio.wait_for(self.breaker.admit(), self._patience)
            except TimeoutError as error:
                raise RetryableError("the national portal does not answer") from error
            if self._most is not None and self.calls >= self._most:
                raise OutOfCallsError
            self.calls += 1
            try:
                found = await self._client.look_up(code)
            except RetryableError as error:
                if await self.breaker.answers():
                    await asyncio.sleep(min(max(pause, error.wait or 0), _LONGEST_PAUSE))
                    pause *= 2
                continue
            return there_of(code, found, self._province, self._clock())
        return None

    def _row(self, code: str) -> QueueRow | None:
        with reading(self._engine) as connection:
            return next(rows_of(connection, [code]), None)

    def _judged(self, known: KnownDossier, there: There) -> There:
        """Add what follows from the portal's dates and steps by our own rule."""
        if there.found is False:
            return there
        here, side = known.here, there.side
        calendar, now = self._knowing.calendar, self._knowing.now
        late = late_there(known.dossier, here.side, side, self._knowing.profile, calendar, now)
        deadline = reception_deadline(_submitted(here, there), calendar)
        received = side.dates.get("received_at")
        is_known = "received_at" in side.dates
        at = None if received is None else received.at
        received_too_late = received_late(at, deadline, now) if is_known else None
        return replace(there, side=replace(side, late=late, received_late=received_too_late))


def _submitted(here: Here, there: There) -> int | None:
    shown = there.side.dates.get("submitted_at") or here.side.dates.get("submitted_at")
    return None if shown is None else shown.at


def _is_same(before: QueueRow, after: QueueRow) -> bool:
    return (before.version, before.settled) == (after.version, after.settled)


async def for_each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], concurrency: int
) -> None:
    """Do the work for each item, several at once; the first error ends it, and is raised."""
    queue = iter(items)

    async def run() -> None:
        for item in queue:
            await work(item)

    try:
        async with asyncio.TaskGroup() as parts:
            for _ in range(concurrency):
                parts.create_task(run())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
