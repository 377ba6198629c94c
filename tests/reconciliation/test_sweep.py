"""Look-ups against the real mock: every class found, mended through the queue, none left."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from lgsp.cli.reconcile.comparing import Bounds, apply_plan, run_sweep
from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.domain.event import DossierEvent
from lgsp.domain.period import parse_period
from lgsp.reconciliation.findings import causes_of
from lgsp.reconciliation.order import SweepScope
from lgsp.reconciliation.plan import RepairPlan, read_plan, write_plan
from lgsp.reconciliation.repairing import Repaired
from lgsp.reconciliation.sweep import SweepReport, findings_of
from lgsp.reconciliation.worklist import work_rows
from lgsp.runtime.clock import now_ms
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.identity import store_id
from lgsp.store.sync.listing import redrive
from tests.national.dossiers import HOUR, START, steps
from tests.national.harness import RunningPortal, Sync, running_portal

ALL = SweepScope("", parse_period("all"))
DUE = START + 240 * HOUR
EQUAL, GONE, BACK, AHEAD, DATES, LACKS, TWICE, REFUSED, UNMAPPED = (
    f"H37.1-240108-{n:04d}" for n in range(1, 10)
)
PATH = (1, 2, 4, 9, 10)


class Field:
    """A portal, a worker and the folder of both."""

    def __init__(self, folder: Path, portal: RunningPortal, engine: Engine) -> None:
        self.folder, self.portal, self.engine = folder, portal, engine
        self.settings: Settings = portal.settings(data=folder)
        self.sync = Sync(engine, self.settings)

    async def sweep(self, bounds: Bounds | None = None, **asked: Any) -> SweepReport:
        return await run_sweep(
            self.settings, self.engine, asked.pop("scope", ALL), bounds or Bounds(), **asked
        )

    async def found(self, bounds: Bounds | None = None) -> dict[str, dict[str, str]]:
        report = await self.sweep(bounds)
        return {f["dossier"]: causes_of(f) for f in findings_of(self.engine, report.sweep)}

    async def plan(self, name: str = "plan.jsonl") -> RepairPlan:
        report = await self.sweep(anew=True)
        with self.engine.begin() as connection:
            ours = store_id(connection)
        path = self.folder / name
        write_plan(path, ours, now_ms(), findings_of(self.engine, report.sweep))
        return read_plan(path)

    async def apply(self, plan: RepairPlan, within: float = 60) -> dict[str, Repaired]:
        bounds = Bounds(within=within)
        results = await apply_plan(self.settings, self.engine, plan, bounds)
        return {each.line.dossier: each.result for each in results}

    def spoil(self, statement: str, *values: Any) -> None:
        """Change what the portal holds, behind everybody's back."""
        with closing(sqlite3.connect(self.folder / "portal.db")) as file:
            file.execute(statement, values)
            file.commit()

    def change(self, code: str, **fields: str) -> None:
        with closing(sqlite3.connect(self.folder / "portal.db")) as file:
            query = "SELECT record FROM dossiers WHERE code=?"
            record = orjson.loads(file.execute(query, (code,)).fetchone()[0]) | fields
            file.execute(
                "UPDATE dossiers SET record=?, status=? WHERE code=?",
                (orjson.dumps(record), int(record["TrangThaiHoSo"]), code),
            )
            file.commit()

    async def writes(self) -> int:
        kinds = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")
        return sum([len(await self.portal.log(service=kind)) for kind in kinds])


def events(code: str, *statuses: int, **changes: Any) -> list[DossierEvent]:
    return steps(*(statuses or PATH), code=code, due_at=DUE, **changes)


def faults() -> list[dict[str, Any]]:
    refusal = {"error_code": "-1", "message": "Thiếu trường"}
    return [{"match": {"service": "DongBoHoSoMC", "dossier": REFUSED, "nth": 1}, "do": refusal}]


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    """Nine dossiers, pushed; one is refused at first, one cannot be sent at all."""
    engine = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    async with running_portal(tmp_path, faults()) as portal:
        made = Field(tmp_path, portal, engine)
        for code in (EQUAL, GONE, BACK, AHEAD, DATES, LACKS, TWICE, REFUSED):
            made.sync.feed(events(code))
        made.sync.feed(events(UNMAPPED, procedure="local-7"))
        await made.sync.drain()
        yield made
    engine.dispose()


def spoil(field: Field) -> None:
    """Break the portal's copies, each in a way of its own."""
    field.spoil("DELETE FROM steps WHERE code=?", GONE)
    field.spoil("DELETE FROM dossiers WHERE code=?", GONE)
    field.change(BACK, TrangThaiHoSo="4", NgayKetThucXuLy="", NgayTra="")
    field.spoil("DELETE FROM steps WHERE code=? AND status IN (9, 10)", BACK)
    field.change(AHEAD, TrangThaiHoSo="6")
    field.spoil(
        "INSERT INTO steps (code, at, status, step, saved_at) SELECT code, '20290101000000', 6,"
        " json_set(step, '$.ThoiDiemXuLy', '20290101000000', '$.TrangThai', '6'), saved_at"
        " FROM steps WHERE code=? AND status=4",
        AHEAD,
    )
    field.change(DATES, NgayHenTra="20240108090000")
    field.spoil("DELETE FROM steps WHERE code=? AND status=4", LACKS)
    field.spoil(
        "INSERT INTO steps (code, at, status, step, saved_at)"
        " SELECT code, at, status, step, saved_at FROM steps WHERE code=? AND status=4",
        TWICE,
    )


async def test_every_class_is_found_mended_in_order_and_then_nothing_is_left(
    field: Field,
) -> None:
    before = await field.found()
    assert before.keys() == {REFUSED, UNMAPPED}
    spoil(field)

    found = await field.found()
    assert found == {
        GONE: {"missing_there": "said done and not kept"},
        BACK: {
            "stale_there": "said done and not kept",
            "phantom_late": "said done and not kept",
        },
        AHEAD: {"ahead_there": "changed there by others"},
        DATES: {
            "dates_differ": "overwritten",
            "phantom_late": "overwritten",
        },
        LACKS: {"missing_step": "said done and not kept"},
        TWICE: {"duplicate_step": "sent twice"},
        REFUSED: {
            "missing_there": "refused: -1: Thiếu trường",
            "parked": "refused: -1: Thiếu trường",
        },
        UNMAPPED: {"unmapped": "not mapped: unmapped_procedure"},
    }

    plan = await field.plan()
    mended = {GONE, BACK, DATES, LACKS, REFUSED}
    assert {line.dossier for line in plan.lines} == mended
    lacks = next(line for line in plan.lines if line.dossier == LACKS)
    assert [each["send"] for each in lacks.sends] == ["step", "update"]

    async with field.sync.working():
        results = await field.apply(plan)
        assert results == dict.fromkeys(mended, Repaired.REPAIRED)
        left = await field.found()
        written = await field.writes()
        # Again: the plan is done, a new one is empty, and nothing is sent.
        assert await field.apply(plan) == results
        again = await field.plan("again.jsonl")
        assert again.lines == []
        assert await field.apply(again) == {}
    assert await field.writes() == written
    assert left.keys() == {AHEAD, TWICE, UNMAPPED}

    shown = await field.portal.dossier(LACKS)
    assert [step["TrangThai"] for step in shown["steps"]] == ["1", "2", "4", "9", "10"]
    untouched = await field.portal.dossier(AHEAD)
    assert untouched["status"] == 6

    report = await field.sweep(anew=True)
    rows = list(work_rows(findings_of(field.engine, report.sweep), now_ms()))
    assert [(row[0], row[2]) for row in rows] == [
        ("H37.1", AHEAD),
        ("national portal", TWICE),
        ("sync operator", UNMAPPED),
    ]
    assert all(int(row[1]) > 0 and row[5] for row in rows)


async def test_a_plan_is_gone_on_with_wherever_it_was_ended(field: Field) -> None:
    spoil(field)
    plan = await field.plan()
    # Nobody pushes: all go to the queue, and wait there; as if killed, once and again.
    for _ in range(2):
        assert set((await field.apply(plan, within=0)).values()) == {Repaired.NOT_PUSHED}
    with field.engine.begin() as connection:
        assert redrive(connection, now_ms(), [GONE]) == []
    async with field.sync.working():
        results = await field.apply(plan)
    assert set(results.values()) == {Repaired.REPAIRED}
    for code in (GONE, BACK, LACKS):
        shown = await field.portal.dossier(code)
        assert [step["TrangThai"] for step in shown["steps"]] == ["1", "2", "4", "9", "10"]


async def test_a_plan_is_held_against_what_is_known_when_it_is_carried_out(
    field: Field,
) -> None:
    spoil(field)
    plan = await field.plan()
    # Since then others have gone on with one, and one was mended by hand.
    field.change(BACK, TrangThaiHoSo="6")
    field.spoil(
        "UPDATE steps SET at='20290101000000', status=6,"
        " step=json_set(step, '$.ThoiDiemXuLy', '20290101000000', '$.TrangThai', '6')"
        " WHERE code=? AND status=4",
        BACK,
    )
    field.change(DATES, NgayHenTra="20240118080000")
    async with field.sync.working():
        results = await field.apply(plan)
    assert results[BACK] is Repaired.NOT_FROM_HERE
    assert results[DATES] is Repaired.NOTHING_TO_DO
    assert results[GONE] is Repaired.REPAIRED
    assert (await field.portal.dossier(BACK))["status"] == 6


async def test_a_plan_of_another_store_is_refused(field: Field) -> None:
    plan = (await field.plan())._replace(store="another")
    with pytest.raises(ConfigurationError, match="another"):
        await field.apply(plan)


async def test_a_sweep_goes_on_where_its_calls_ended_and_asks_the_doubtful_first(
    field: Field,
) -> None:
    spoil(field)
    asked: list[str] = []
    reports = []
    for _ in range(5):
        seen = len(await field.portal.log(service="TraCuuHoSo"))
        reports.append(await field.sweep(Bounds(calls=2)))
        log = await field.portal.log(service="TraCuuHoSo")
        asked += [call["code"] for call in log[seen:]]
    assert sorted(asked) == sorted({*asked})
    assert set(asked[:2]) == {REFUSED, UNMAPPED}
    assert [report.left for report in reports] == [7, 5, 3, 1, 0]
    assert len({report.sweep.began_at for report in reports}) == 1
    found = [f["dossier"] for f in findings_of(field.engine, reports[-1].sweep)]
    assert len(found) == 8
    assert (await field.sweep()).sweep.began_at > reports[0].sweep.began_at


async def test_only_the_dossiers_of_a_unit_and_a_period_are_asked_for(field: Field) -> None:
    field.sync.feed(events("H37.2-240108-0001"))
    assert (await field.sweep(scope=SweepScope("H37.2", parse_period("2024-01")))).compared == 1
    assert (await field.sweep(scope=SweepScope("H37.2", parse_period("2023")))).compared == 0


async def test_a_dossier_that_the_portal_cannot_tell_of_stops_no_other(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    bad = {"match": {"service": "TraCuuHoSo", "dossier": GONE}, "do": {"http": 500}}
    async with running_portal(tmp_path, [bad]) as portal:
        field = Field(tmp_path, portal, engine)
        for code in (EQUAL, GONE):
            field.sync.feed(events(code))
        await field.sync.drain()
        report = await field.sweep()
    engine.dispose()
    assert (report.compared, report.untold, report.left) == (1, [GONE], 0)


async def test_a_portal_that_answers_nothing_is_said(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    async with running_portal(tmp_path) as portal:
        field = Field(tmp_path, portal, engine)
        field.sync.feed(events(EQUAL))
    with pytest.raises(RetryableError, match="does not answer"):
        await asyncio.wait_for(field.sweep(Bounds(patience=0.2)), 60)
    engine.dispose()
