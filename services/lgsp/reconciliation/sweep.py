"""One comparison of all dossiers of a scope, by look-ups: paced, bounded, gone on with later."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Engine

from lgsp.domain.errors import RetryableError
from lgsp.reconciliation.checking import Checker, OutOfCallsError, for_each
from lgsp.reconciliation.findings import Finding, finding_of
from lgsp.reconciliation.known import Knowing
from lgsp.reconciliation.order import SweepScope, codes_in_order
from lgsp.store.engine import reading
from lgsp.store.sync.comparison import (
    Sweep,
    checked_codes,
    differences_of,
    end_sweep,
    open_sweep,
    write_checked,
)

_WRITE_AT_ONCE = 64
_WRITE_EVERY = 1.0  # seconds; what a kill may cost in look-ups


@dataclass
class SweepReport:
    """What a run of a sweep did: `left` dossiers are still to be compared by the next one."""

    sweep: Sweep
    compared: int = 0
    left: int = 0
    calls: int = 0
    untold: list[str] = field(default_factory=list)
    trouble: str = ""

    @property
    def whole(self) -> bool:
        """Whether every dossier of the scope was compared in this sweep."""
        return not self.left


class Sweeper:
    """Runs a sweep, or goes on with it.

    Args:
        engine: the sync's store, which keeps where the sweep stands.
        checker: looks up and compares.
        knowing: by whose rules.
        clock: gives now in ms UTC.
        concurrency: look-ups at once.
        within: seconds; None: as long as it takes.
    """

    def __init__(
        self,
        engine: Engine,
        checker: Checker,
        knowing: Knowing,
        clock: Callable[[], int],
        *,
        concurrency: int,
        within: float | None = None,
    ) -> None:
        self._engine = engine
        self._checker = checker
        self._knowing = knowing
        self._clock = clock
        self._concurrency = concurrency
        self._until = None if within is None else time.monotonic() + within
        self._waiting: dict[str, bytes] = {}
        self._written_at = time.monotonic()

    async def run(self, scope: SweepScope, *, anew: bool = False) -> SweepReport:
        """Compare what is left of the scope's dossiers; `anew`: all of them.

        Raises:
            RetryableError: the portal answered nothing at all.
        """
        with self._engine.begin() as connection:
            sweep = open_sweep(connection, scope.name, self._clock(), anew=anew)
        with reading(self._engine) as connection:
            done = checked_codes(connection, sweep)
            statuses = self._knowing.profile.statuses
            codes = codes_in_order(connection, scope, done, statuses, self._clock())
        report = SweepReport(sweep)
        watching = asyncio.create_task(self._checker.breaker.run())
        try:
            await for_each(codes, lambda code: self._work(code, report), self._concurrency)
        finally:
            watching.cancel()
            self._write(sweep)
        report.calls = self._checker.calls
        report.left = len(codes) - report.compared - len(report.untold)
        if report.trouble and not report.compared and not report.untold:
            raise RetryableError(report.trouble)
        if report.whole:
            with self._engine.begin() as connection:
                end_sweep(connection, sweep, self._clock())
        return report

    async def _work(self, code: str, report: SweepReport) -> None:
        if report.trouble or (self._until is not None and time.monotonic() >= self._until):
            return
        try:
            checked = await self._checker.check(code)
        except OutOfCallsError:
            return  # what others have asked for is compared all the same
        except RetryableError as error:
            report.trouble = str(error)
            return
        if checked is None:
            report.untold.append(code)
            return
        report.compared += 1
        found = finding_of(code, checked.known, checked.there, checked.found)
        self._waiting[code] = b"" if found is None else orjson.dumps(found)
        overdue = time.monotonic() - self._written_at >= _WRITE_EVERY
        if overdue or len(self._waiting) >= _WRITE_AT_ONCE:
            self._write(report.sweep)

    def _write(self, sweep: Sweep) -> None:
        found, self._waiting = self._waiting, {}
        self._written_at = time.monotonic()
        if found:
            with self._engine.begin() as connection:
                write_checked(connection, sweep, found)


def findings_of(engine: Engine, sweep: Sweep) -> Iterator[Finding]:
    """Give what the sweep has found so far, whichever run of it found it."""
    with reading(engine) as connection:
        for found in differences_of(connection, sweep):
            yield orjson.loads(found)
