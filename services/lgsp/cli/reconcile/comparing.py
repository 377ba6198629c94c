"""`lgsp reconcile` by look-ups, and `--apply`: what opens the portal and the sync's store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from lgsp.cli.evidence.orders import keep
from lgsp.cli.evidence.watching import witnessed
from lgsp.delivery.evidence.recorder import order_of
from lgsp.domain.profiles.registry import profile_named
from lgsp.national.client import NationalClient
from lgsp.reconciliation.checking import Checker
from lgsp.reconciliation.known import Knowing
from lgsp.reconciliation.order import SweepScope
from lgsp.reconciliation.plan import PlanLine, RepairPlan
from lgsp.reconciliation.pushes import known_pushes
from lgsp.reconciliation.repairing import LineResult, Repairer
from lgsp.reconciliation.sweep import Sweeper, SweepReport
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.settings import Settings

_SHARE = 4  # of the concurrency of the sync: look-ups at once


@dataclass(frozen=True)
class Bounds:
    """How much a run may do; `within` in seconds."""

    calls: int | None = None
    within: float | None = None
    patience: float = 60.0


async def run_sweep(
    settings: Settings, engine: Engine, scope: SweepScope, bounds: Bounds, *, anew: bool = False
) -> SweepReport:
    """Run a sweep or go on with it; RetryableError: the portal answers nothing at all."""
    async with _checking(settings, engine, bounds) as (checker, knowing):
        sweeper = Sweeper(
            engine,
            checker,
            knowing,
            now_ms,
            concurrency=_concurrency(settings),
            within=bounds.within,
        )
        return await sweeper.run(scope, anew=anew)


async def apply_plan(
    settings: Settings, engine: Engine, plan: RepairPlan, bounds: Bounds, by: str = ""
) -> list[LineResult]:
    """Carry a plan out or go on with it; that each dossier is set going stands in the evidence.

    Args:
        settings: of this installation.
        engine: the sync's store.
        plan: what is carried out.
        bounds: how much this run may do.
        by: who gives the order; "": the user of the operating system.

    Raises:
        RetryableError: the portal answers nothing at all.
    """

    def keep_order(plan: RepairPlan, line: PlanLine) -> None:
        causes = ", ".join(f"{kind}: {cause}" for kind, cause in line.causes.items())
        why = f"plan {plan.name}: {causes}"
        keep(settings, [order_of(line.dossier, "reconcile", by, why, now_ms())])

    async with _checking(settings, engine, bounds) as (checker, _):
        repairer = Repairer(
            engine,
            checker,
            now_ms,
            keep_order,
            concurrency=_concurrency(settings),
            patience=bounds.patience if bounds.within is None else bounds.within,
        )
        return await repairer.apply(plan)


def _concurrency(settings: Settings) -> int:
    return max(1, settings.national_concurrency // _SHARE)


@asynccontextmanager
async def _checking(
    settings: Settings, engine: Engine, bounds: Bounds
) -> AsyncIterator[tuple[Checker, Knowing]]:
    profile = profile_named(settings.profile)
    calendar = load_calendar(settings.calendar_file)
    with known_pushes(settings) as pushes, witnessed(settings, "lgsp reconcile") as witness:
        knowing = Knowing(profile, calendar, now_ms(), pushes)
        async with NationalClient(settings, witness) as client:
            checker = Checker(
                engine,
                client,
                knowing,
                settings.province,
                now_ms,
                calls=bounds.calls,
                patience=bounds.patience,
            )
            yield checker, knowing
