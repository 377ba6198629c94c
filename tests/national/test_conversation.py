"""One dossier's conversation with a portal that argues back: the real mock over HTTP."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from lgsp.domain.details import Details, FilingPlace
from lgsp.domain.status import Status
from lgsp.national.acknowledged import doubted_are_lost, doubted_arrived
from lgsp.runtime.clock import now_ms
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import change_acknowledged, list_stopped, redrive
from tests.national.dossiers import CODE, step, steps
from tests.national.harness import RunningPortal, Sync, running_portal
from tests.simulation.records import RECORD
from tests.waiting import until

SAVE, PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
SILENT = {"match": {"service": LOOK_UP}, "do": {"hide_steps": True}}
LONG = (1, 2, 4, 5, 4, 6, 4, 5, 4, 5, 4, 9, 10)  # thirteen steps: two calls


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    yield opened
    opened.dispose()


def lost(drop: str, **match: Any) -> dict[str, Any]:
    return {"match": {"service": PROGRESS, **match}, "do": {"drop": drop}}


def listed(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(row["lane"], row["reason"]) for row in list_stopped(connection, 10)]


def redriven(engine: Engine) -> None:
    with engine.begin() as connection:
        assert [] == redrive(connection, now_ms(), [CODE])


async def statuses(portal: RunningPortal) -> list[str]:
    return [s["TrangThai"] for s in (await portal.dossier(CODE))["steps"]]


async def writes(portal: RunningPortal) -> list[str]:
    """Return what was sent, in order: the status of a record, those of steps joined by `+`."""
    log = [c for c in await portal.log(dossier=CODE) if c["service"] in {SAVE, PROGRESS}]
    return [
        "+".join(f.get("TrangThai") or "record " + f["TrangThaiHoSo"] for f in call["facts"])
        for call in log
    ]


def forget(folder: Path, status: int) -> None:
    """Let the portal lose the steps of one status, as after a restored backup."""
    with closing(sqlite3.connect(folder / "portal.db")) as file, file:
        file.execute("DELETE FROM steps WHERE code = ? AND status = ?", (CODE, status))


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_lost_answer_that_no_look_up_tells_of_is_in_doubt_and_sent_once(
    tmp_path: Path, engine: Engine, drop: str
) -> None:
    async with running_portal(tmp_path, [SILENT, lost(drop, nth=1)]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        first = listed(engine)
        redriven(engine)
        sync.feed([step(2, 9)])
        await sync.drain()

        assert ["record 4", "2+4", "record 9", "9"] == await writes(portal)
        assert first == listed(engine)
        assert "in_doubt" == first[0][0]
        assert "step 2 of 20240108080000, step 4 of 20240108090000" in first[0][1]
        assert 9 == (await portal.dossier(CODE))["status"]


async def test_many_lost_answers_make_no_step_twice(tmp_path: Path, engine: Engine) -> None:
    codes = [f"H37.1-240108-{n:04}" for n in range(20)]
    async with running_portal(tmp_path, [SILENT, lost("after", every=2)]) as portal:
        sync = Sync(engine, portal.settings())
        for part in ([2], [2, 4], [2, 4, 9, 10]):
            sync.feed([event for code in codes for event in steps(*part, code=code)])
            await sync.drain()
        for code in codes:
            held = (await portal.dossier(code))["steps"]

            assert ["2", "4", "9", "10"] == [s["TrangThai"] for s in held]


async def test_what_a_worker_was_sending_when_it_died_is_in_doubt_where_none_is_told(
    tmp_path: Path, engine: Engine
) -> None:
    held = {"match": {"service": PROGRESS, "nth": 1}, "do": {"hold": 2}}
    async with running_portal(tmp_path, [SILENT, held]) as portal:
        first = Sync(engine, portal.settings())
        first.feed(steps(2, 4))

        async def sent() -> bool:
            return bool(await portal.log(service=PROGRESS))

        async with first.working():
            await until("the steps are at the portal", sent)
        pending = first.pending()
        await Sync(engine, portal.settings()).drain()

        assert 1 == pending
        assert ["record 4", "2+4"] == await writes(portal)
        assert ["in_doubt"] == [state for state, _ in listed(engine)]


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_doubt_ends_when_a_look_up_tells_the_steps(
    tmp_path: Path, engine: Engine, drop: str
) -> None:
    silent = {"match": {"service": LOOK_UP, "nth": 1}, "do": {"hide_steps": True}}
    async with running_portal(tmp_path, [silent, lost(drop, nth=1)]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        doubted = listed(engine)
        redriven(engine)
        await sync.drain()

        assert ["in_doubt"] == [state for state, _ in doubted]
        assert [] == listed(engine)
        assert ["2", "4"] == await statuses(portal)


@pytest.mark.parametrize(
    ("drop", "word", "sent"),
    [("before", doubted_are_lost, 2), ("after", doubted_arrived, 1)],
    ids=["lost", "arrived"],
)
async def test_a_person_s_word_ends_a_doubt(
    tmp_path: Path,
    engine: Engine,
    drop: str,
    word: Callable[[bytes | None], bytes],
    sent: int,
) -> None:
    async with running_portal(tmp_path, [SILENT, lost(drop, nth=1)]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        with engine.begin() as connection:
            assert ["no"] == change_acknowledged(connection, now_ms(), [CODE, "no"], word)
        await sync.drain()

        assert [] == listed(engine)
        assert ["2", "4"] == await statuses(portal)
        assert sent == (await writes(portal)).count("2+4")


async def test_one_bad_step_of_many_costs_only_itself(tmp_path: Path, engine: Engine) -> None:
    bad = {"error_code": "-1", "message": "Bước 6 không được chấp nhận"}
    faults = [{"match": {"service": PROGRESS, "status": 6}, "do": bad}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(*LONG))
        await sync.drain()

        assert [str(s) for s in LONG if s != 6] == await statuses(portal)
        assert [("parked", "-1: step 6 of 20240108130000: Bước 6 không được chấp nhận")] == listed(
            engine
        )
        assert 10 == (await portal.dossier(CODE))["status"]


async def test_steps_that_are_judged_one_by_one_are_not_sent_again(
    tmp_path: Path, engine: Engine
) -> None:
    each = {"by_item": 6, "error_code": "-1", "message": "Sai trạng thái"}
    faults = [{"match": {"service": PROGRESS, "status": 6}, "do": each}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(*LONG))
        await sync.drain()

        assert [str(s) for s in LONG if s != 6] == await statuses(portal)
        assert 2 == len(await portal.log(service=PROGRESS))
        assert [("parked", "-1: step 6 of 20240108130000: Sai trạng thái")] == listed(engine)


async def test_a_row_that_refuses_under_a_code_of_success_is_the_reason(
    tmp_path: Path, engine: Engine
) -> None:
    row = {"error_code": -1, "message": "MaTTHC chưa được công khai"}
    said = {"error_code": "0", "message": "Đồng bộ thành công", "result": [row]}
    async with running_portal(tmp_path, [{"match": {"service": SAVE}, "do": said}]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2))
        await sync.drain()

        assert [("parked", f"-1: {row['message']}")] == listed(engine)


@pytest.mark.parametrize("faults", [[], [SILENT]], ids=["told", "silent"])
async def test_sends_the_missing_step_before_the_record_that_needs_it(
    tmp_path: Path, engine: Engine, faults: list[dict[str, Any]]
) -> None:
    needs = {"match": {"service": SAVE, "status": 10}, "do": {"needs_step": 4}}
    async with running_portal(tmp_path, [*faults, needs]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        forget(tmp_path, 4)
        sync.feed([step(2, 10)])
        await sync.drain()

        assert ["record 10", "4", "record 10", "10"] == (await writes(portal))[2:]
        assert ["2", "4", "10"] == await statuses(portal)
        assert [] == listed(engine)


async def test_begins_at_the_first_step_where_a_portal_wants_each_in_turn(
    tmp_path: Path, engine: Engine
) -> None:
    needs = {"match": {"service": SAVE, "status": 10}, "do": {"needs_step": 4}}
    async with running_portal(tmp_path, [needs]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4, 10))
        await sync.drain()

        assert ["record 10", "record 2", "2+4", "record 10", "10"] == await writes(portal)
        assert 10 == (await portal.dossier(CODE))["status"]
        assert [] == listed(engine)


async def test_never_makes_up_a_step_that_is_not_ours(tmp_path: Path, engine: Engine) -> None:
    needs = {"match": {"service": SAVE, "status": 10}, "do": {"needs_step": 4}}
    async with running_portal(tmp_path, [needs]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2))
        await sync.drain()
        sync.feed([step(1, 10)])
        await sync.drain()

        assert ["2"] == await statuses(portal)
        assert [("parked", "-1: Thiếu bước xử lý trước đó: 4")] == listed(engine)


async def test_a_dossier_filed_at_the_portal_keeps_what_is_only_there(
    tmp_path: Path, engine: Engine
) -> None:
    filed = RECORD | {"MaHoSo": CODE, "TrangThaiHoSo": "1", "NoiNopHoSo": "1"}
    filed |= {"MaDoiTuong": "TECHID-TEST", "Email": "test@example.invalid"}
    async with running_portal(tmp_path) as portal:
        await portal.call(SAVE, isUpdating="False", data=[filed])
        sync = Sync(engine, portal.settings())
        for event in steps(2, 4):
            sync.feed([event])
            await sync.drain()
        after = Sync(engine, portal.settings())
        after.feed([step(2, 9)])
        await after.drain()
        held = (await portal.call(LOOK_UP, mahoso=CODE))["result"][0]

        names = ("NoiNopHoSo", "MaDoiTuong", "Email", "TrichYeuHoSo")
        assert {name: filed[name] for name in names} == {name: held[name] for name in names}
        assert "9" == held["TrangThaiHoSo"]
        assert [] == listed(engine)


@pytest.mark.parametrize("place", [FilingPlace.LOCAL, FilingPlace.NATIONAL_PORTAL])
async def test_the_events_word_on_the_place_of_filing_stands(
    tmp_path: Path, engine: Engine, place: FilingPlace
) -> None:
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4, details=Details(filing_place=place)))
        await sync.drain()

        assert str(int(place)) == (await portal.dossier(CODE))["record"]["NoiNopHoSo"]


async def test_redrive_repairs_what_a_restored_backup_has_lost(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        backup = (await portal.call(LOOK_UP, mahoso=CODE))["result"][0]
        sync.feed([step(2, 10)])
        await sync.drain()
        backup.pop("DanhSachTienDo")
        await portal.call(SAVE, isUpdating="True", data=[backup])
        forget(tmp_path, 10)
        redriven(engine)
        await sync.drain()

        assert 10 == (await portal.dossier(CODE))["status"]
        assert ["2", "4", "10"] == await statuses(portal)
        assert [] == listed(engine)


async def test_steps_that_a_backup_may_have_lost_are_in_doubt_where_none_is_told(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path, [SILENT]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain()
        backup = (await portal.call(LOOK_UP, mahoso=CODE))["result"][0]
        sync.feed([step(2, 10)])
        await sync.drain()
        await portal.call(SAVE, isUpdating="True", data=[backup])
        redriven(engine)
        await sync.drain()

        assert 10 == (await portal.dossier(CODE))["status"]
        assert 1 == (await writes(portal)).count("10")
        assert "the portal may lack step 10 of 20240108100000" in listed(engine)[0][1]


def not_kept() -> float:
    return REGISTRY.get_sample_value("lgsp_national_not_kept_total") or 0


async def test_what_was_acknowledged_and_not_kept_is_found_and_sent_again(
    tmp_path: Path, engine: Engine
) -> None:
    faults = [{"match": {"service": SAVE, "nth": 2}, "do": {"not_kept": True}}]
    before = not_kept()
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings(national_read_back=1))
        for event in steps(2, 4):
            sync.feed([event])
            await sync.drain_results()

        assert 4 == (await portal.dossier(CODE))["status"]
        assert ["2", "4"] == await statuses(portal)
        assert [] == listed(engine)
        assert 1 == not_kept() - before
        assert "not kept, sent again: TrangThaiHoSo" in sync.results[-1]["message"]


async def test_what_is_never_kept_is_listed(tmp_path: Path, engine: Engine) -> None:
    faults = [{"match": {"service": SAVE, "from": 2}, "do": {"not_kept": True}}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings(national_read_back=1))
        for event in steps(2, 4):
            sync.feed([event])
            await sync.drain()

        assert [("in_doubt", "answered as done and not kept, twice: TrangThaiHoSo")] == listed(
            engine
        )


async def test_a_portal_that_keeps_all_is_read_back_without_a_word(
    tmp_path: Path, engine: Engine
) -> None:
    before = not_kept()
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings(national_read_back=1))
        sync.feed(steps(*LONG))
        await sync.drain()

        assert 1 == len(await portal.log(service=LOOK_UP))
        assert 3 == len(await writes(portal))
        assert before == not_kept()
        assert Status(10) == (await portal.dossier(CODE))["status"]
