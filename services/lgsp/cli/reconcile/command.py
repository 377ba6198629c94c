"""`lgsp reconcile`: the differences between the province and the national portal."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from sqlalchemy import Engine

from lgsp.cli.evidence.common import By
from lgsp.cli.reconcile.comparing import Bounds, apply_plan, run_sweep
from lgsp.cli.reconcile.listing import AskedList, answer_list, findings_in, some_differ
from lgsp.cli.reconcile.options import (
    Against,
    Anew,
    ApplyFile,
    AsOf,
    Calls,
    Claimed,
    DryRun,
    MappingFile,
    PeriodName,
    PlanFile,
    Report,
    Unit,
    Within,
    Worklist,
    seconds_of,
)
from lgsp.cli.reconcile.showing import say_aside, say_counts, show_findings
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import parse_period
from lgsp.reconciliation.findings import Finding
from lgsp.reconciliation.lists.report import check_place, write_table
from lgsp.reconciliation.order import SweepScope
from lgsp.reconciliation.plan import PlanLine, read_plan, write_plan
from lgsp.reconciliation.repairing import LineResult, Repaired
from lgsp.reconciliation.sweep import SweepReport, findings_of
from lgsp.reconciliation.worklist import HEADER, work_rows
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import list_table, print_document, print_table
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_existing
from lgsp.store.identity import store_id
from lgsp.store.sync.tables import TABLES

_SOME_DIFFER = 3
_NOT_ALL = 1
_WELL = frozenset({Repaired.REPAIRED, Repaired.NOTHING_TO_DO})


def register(app: typer.Typer) -> None:
    """Add `lgsp reconcile`."""

    @app.command("reconcile")
    def reconcile(
        calls: Calls = None,
        within: Within = "",
        unit: Unit = "",
        period: PeriodName = "all",
        anew: Anew = False,
        against: Against = None,
        mapping: MappingFile = None,
        claim: Claimed = None,
        as_of: AsOf = "",
        report: Report = None,
        plan: PlanFile = None,
        apply: ApplyFile = None,
        dry_run: DryRun = False,
        by: By = "",
        worklist: Worklist = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Compare what we hold with the national portal; exit 0: nothing differs, 3: some does.

        By look-ups, those most likely wrong first; a run that is bounded or ended is gone on with
        by the next one. By a list of the national side with --against, without a call. With
        --json each difference is a line: dossier, class, cause, here, there, evidence.
        """
        settings = begin("reconcile", data)
        bounds = Bounds(calls, seconds_of(within))
        if sum(each is not None for each in (against, apply)) > 1 or (plan and apply):
            raise ConfigurationError("--against or --apply, and a plan is either made or applied")
        for place in filter(None, (report, worklist)):
            check_place(place)
        if apply is not None:
            raise typer.Exit(_apply(settings, apply, bounds, worklist, by, dry=dry_run, json=json))
        if against is not None:
            answers = answer_list(
                AskedList(settings, against, mapping, claim, as_of), report, as_json=json
            )
            _keep(settings, findings_in(answers), plan, worklist)
            raise typer.Exit(_SOME_DIFFER if some_differ(answers) else 0)
        scope = SweepScope(unit, parse_period(period))
        with _store(settings) as engine:
            done = asyncio.run(run_sweep(settings, engine, scope, bounds, anew=anew))
            findings = list(findings_of(engine, done.sweep))
        show_findings(findings, as_json=json)
        _say(done, len(findings))
        _keep(settings, findings, plan, worklist)
        raise typer.Exit(_SOME_DIFFER if findings else _NOT_ALL if done.untold else 0)


@contextmanager
def _store(settings: Settings) -> Iterator[Engine]:
    engine = open_existing(settings.sync_store, TABLES, read_only=False)
    try:
        yield engine
    finally:
        engine.dispose()


def _say(done: SweepReport, differing: int) -> None:
    counts = {"compared": done.compared, "differ": differing, "left": done.left}
    say_counts("this run", counts | {"not told": len(done.untold), "calls": done.calls})
    if done.trouble:
        say_aside(f"ended early: {done.trouble}")
    if not done.whole:
        say_aside("the next run goes on where this one ended")


def _keep(
    settings: Settings, findings: Iterable[Finding], plan: Path | None, worklist: Path | None
) -> None:
    findings = list(findings)
    if plan is not None:
        with _store(settings) as engine, engine.begin() as connection:
            ours = store_id(connection)
        count = write_plan(plan, ours, now_ms(), findings)
        say_aside(f"{plan}: {count} dossiers can be mended from here")
    if worklist is not None:
        write_table(worklist, [list(HEADER), *work_rows(findings, now_ms())])


def _apply(
    settings: Settings,
    path: Path,
    bounds: Bounds,
    worklist: Path | None,
    by: str,
    *,
    dry: bool,
    json: bool,
) -> int:
    plan = read_plan(path)
    if dry:
        _show_plan(plan.lines, as_json=json)
        return 0
    with _store(settings) as engine:
        results = asyncio.run(apply_plan(settings, engine, plan, bounds, by))
    _show_results(results, as_json=json)
    left = [each.finding for each in results if each.finding is not None]
    _keep(settings, [finding | {"sends": []} for finding in left], None, worklist)
    return 0 if all(each.result in _WELL for each in results) else _SOME_DIFFER


def _show_plan(lines: Iterable[PlanLine], *, as_json: bool) -> None:
    if as_json:
        for line in lines:
            print_document({"dossier": line.dossier, "classes": line.causes, "sends": line.sends})
        return
    rows = [(each.dossier, _sent(each), next(iter(each.causes.values()), "")) for each in lines]
    print_table(list_table("The plan", ("dossier", "sends", "why"), rows, codes=["dossier"]))


def _sent(line: PlanLine) -> str:
    words = [
        each["send"] + (f" {each['step']['status']}" if "step" in each else "")
        for each in line.sends
    ]
    return ", ".join(words)


def _show_results(results: Iterable[LineResult], *, as_json: bool) -> None:
    results = list(results)
    for each in results if as_json else ():
        differences = [] if each.finding is None else each.finding["differences"]
        print_document(
            {
                "dossier": each.line.dossier,
                "result": each.result.value,
                "classes": {found["class"]: found["cause"] for found in differences},
            }
        )
    counts = Counter(each.result.value for each in results)
    if not as_json:
        rows = [(result, f"{count:,}") for result, count in sorted(counts.items())]
        print_table(list_table("The plan was carried out", ("result", "dossiers"), rows))
    if counts[Repaired.NOT_PUSHED]:
        say_aside("some wait in the queue still: see that a national-sync worker runs, then again")
