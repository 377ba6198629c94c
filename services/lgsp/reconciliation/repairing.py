"""Carries a plan out: each line is looked up again, set going in the queue, and looked up after.

The queue sends: order, pace, breaker and doubt are those of every push. A dossier goes to the
queue once a plan, and that is noted in the same transaction: a run that was killed is gone on
with by the next one, and a plan that is done does nothing.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.reconciliation.mismatch import differs
from lgsp.domain.reconciliation.repair import is_repairable
from lgsp.reconciliation.checking import Checked, Checker, OutOfCallsError, for_each
from lgsp.reconciliation.findings import Finding, finding_of
from lgsp.reconciliation.plan import PlanLine, RepairPlan
from lgsp.store.engine import reading
from lgsp.store.identity import store_id
from lgsp.store.sync.comparison import mark, marked_codes
from lgsp.store.sync.reading import rows_of
from lgsp.store.sync.tables import QueueState

_LOOK_EVERY = 0.1


class Repaired(StrEnum):
    """What became of a line of the plan: a closed set."""

    REPAIRED = "repaired"
    NOTHING_TO_DO = "nothing_to_do"  # it is as it should be by now
    NOT_FROM_HERE = "not_from_here"  # what it is now, no push may mend: see the work list
    STILL_DIFFERS = "still_differs"  # it was pushed in vain
    NOT_PUSHED = "not_pushed"  # it waits in the queue: no worker took it in time
    NOT_COMPARED = "not_compared"  # the portal does not tell, or no call was left


@dataclass(frozen=True)
class LineResult:
    """A line, what became of it, and what differs still."""

    line: PlanLine
    result: Repaired
    finding: Finding | None = None


class Repairer:
    """Applies a plan.

    Args:
        engine: the sync's store.
        checker: looks up and compares.
        clock: gives now in ms UTC.
        concurrency: look-ups at once.
        keep_order: makes durable that a dossier is set going, before it is.
        patience: seconds without any dossier settled, after which the queue is no longer waited
            for.
    """

    def __init__(
        self,
        engine: Engine,
        checker: Checker,
        clock: Callable[[], int],
        keep_order: Callable[[RepairPlan, PlanLine], None],
        *,
        concurrency: int,
        patience: float,
    ) -> None:
        self._engine = engine
        self._keep_order = keep_order
        self._checker = checker
        self._clock = clock
        self._concurrency = concurrency
        self._patience = patience

    async def apply(self, plan: RepairPlan) -> list[LineResult]:
        """Carry out what is left of a plan; return the lines in its order.

        Raises:
            ConfigurationError: the plan is of another store.
            RetryableError: the portal answers nothing at all.
        """
        with self._engine.begin() as connection:
            ours = store_id(connection)
        if plan.store != ours:
            raise ConfigurationError(
                f"the plan is of the store {plan.store}, and this one is {ours}: make a new one"
                " with `lgsp reconcile --plan FILE`"
            )
        with reading(self._engine) as connection:
            marked = marked_codes(connection, plan.name)
        results: dict[str, LineResult] = {}
        watching = asyncio.create_task(self._checker.breaker.run())
        try:
            fresh = [line for line in plan.lines if line.code not in marked]
            await for_each(
                fresh, lambda line: self._set_going(plan, line, results), self._concurrency
            )
            pushed = [line for line in plan.lines if line.code not in results]
            waiting = await self._settled([line.code for line in pushed])
            for line in pushed:
                if line.code in waiting:
                    results[line.code] = LineResult(line, Repaired.NOT_PUSHED)
            left = [line for line in pushed if line.code not in waiting]
            await for_each(left, lambda line: self._look_again(line, results), self._concurrency)
        finally:
            watching.cancel()
        return [results[line.code] for line in plan.lines]

    async def _set_going(
        self, plan: RepairPlan, line: PlanLine, results: dict[str, LineResult]
    ) -> None:
        checked = await self._checked(line)
        if checked is None or checked.known is None:
            results[line.code] = LineResult(line, Repaired.NOT_COMPARED)
        elif not differs(checked.found):
            results[line.code] = LineResult(line, Repaired.NOTHING_TO_DO)
        elif not is_repairable(checked.known.here, checked.found):
            results[line.code] = _result(line, Repaired.NOT_FROM_HERE, checked)
        else:
            self._keep_order(plan, line)
            with self._engine.begin() as connection:
                mark(connection, plan.name, line.code, self._clock())

    async def _look_again(self, line: PlanLine, results: dict[str, LineResult]) -> None:
        checked = await self._checked(line)
        if checked is None:
            results[line.code] = LineResult(line, Repaired.NOT_COMPARED)
        elif differs(checked.found):
            results[line.code] = _result(line, Repaired.STILL_DIFFERS, checked)
        else:
            results[line.code] = LineResult(line, Repaired.REPAIRED)

    async def _checked(self, line: PlanLine) -> Checked | None:
        try:
            return await self._checker.check(line.code)
        except OutOfCallsError:
            return None

    async def _settled(self, codes: list[str]) -> set[str]:
        """Wait until the queue has settled these; return those that it has not."""
        waiting = set(codes)
        moved_at = time.monotonic()
        while waiting:
            with reading(self._engine) as connection:
                rows = rows_of(connection, waiting)
                left = {r.code for r in rows if r.queue_state == QueueState.PENDING}
            if len(left) < len(waiting):
                moved_at = time.monotonic()
            waiting = left
            if waiting and time.monotonic() - moved_at >= self._patience:
                break
            if waiting:
                await asyncio.sleep(_LOOK_EVERY)
        return waiting


def _result(line: PlanLine, result: Repaired, checked: Checked) -> LineResult:
    found = finding_of(line.code, checked.known, checked.there, checked.found)
    return LineResult(line, result, found)
