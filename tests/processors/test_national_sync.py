"""The sync from events to the real mock: order, lost answers, failures, restarts, parked."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, update

from lgsp.domain.dossier import current_status, merge_all
from lgsp.domain.errors import RejectReason, RetryableError
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.national import dispatcher
from lgsp.national.planner import Draft, draft
from lgsp.national.retries import Retries
from lgsp.national.wire import Names
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import list_stopped, redrive, redrive_stopped, summarise
from lgsp.store.sync.rows import Outgoing
from lgsp.store.sync.tables import QUEUE
from tests.national.dossiers import CODE, START, step, steps
from tests.national.harness import CALENDAR, RunningPortal, Sync, running_portal
from tests.store.rates.history import history
from tests.waiting import until

WRITES = {"DongBoHoSoMC", "CapNhatTienDoHoSoMC"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    yield opened
    opened.dispose()


async def equal_to_events(portal: RunningPortal, events: list[DossierEvent]) -> int:
    """Compare every dossier of the portal with the one that the events make; return how many."""
    page = await portal.get("/api/dossiers", limit=5000)
    held = {d["code"]: d for d in page["items"]}
    dossiers = merge_all(events)
    assert set(dossiers) == set(held)
    for code, dossier in dossiers.items():
        wanted = draft(
            dossier,
            SIMPLE.statuses,
            Names(f"Thủ tục {dossier.procedure}", "G00-LV01", "Lĩnh vực mẫu"),
        )
        assert isinstance(wanted, Draft)
        record = held[code]["record"]
        assert record == {name: wanted.record[name] for name in record}
        steps_held = [f"{s['ThoiDiemXuLy']}:{s['TrangThai']}" for s in held[code]["steps"]]
        assert steps_held == [s.key for s in wanted.steps]
        assert held[code]["status"] == current_status(dossier, SIMPLE.statuses)
    return len(held)


async def test_brings_every_dossier_and_every_step(tmp_path: Path, engine: Engine) -> None:
    events = history(random.Random(1), dossiers=40)
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events)
        await sync.drain()
        calls = await portal.log()

        assert 40 == await equal_to_events(portal, events)
        assert 40 == [c["service"] for c in calls].count("DongBoHoSoMC")
        assert "TraCuuHoSo" not in {c["service"] for c in calls}
        assert all(c["error_code"] == "0" for c in calls)


async def test_sends_nothing_for_what_is_known(tmp_path: Path, engine: Engine) -> None:
    events = history(random.Random(2), dossiers=10)
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events)
        await sync.drain()
        before = len(await portal.log())
        sync.feed(events)

        assert 0 == sync.pending()
        assert before == len(await portal.log())


async def test_an_older_state_never_overwrites_a_newer_one(tmp_path: Path, engine: Engine) -> None:
    rnd = random.Random(3)
    events = history(rnd, dossiers=12)
    newest = {
        (code, str(int(t.status))): t.occurred_at
        for code, d in merge_all(events).items()
        for t in d.transitions
    }
    shuffled = events[:]
    rnd.shuffle(shuffled)
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings(national_concurrency=4))
        async with sync.working():
            for start in range(0, len(shuffled), 7):
                sync.feed(shuffled[start : start + 7])
                await until("the first is through", lambda: sync.pending() < 4)
            await until("all are through", lambda: sync.pending() == 0)
        calls = await portal.log()

        assert 12 == await equal_to_events_with_any_steps(portal, events)
        last: dict[str, int] = {}
        for call in calls:
            if call["service"] == "DongBoHoSoMC":
                at = newest[call["code"], call["facts"][0]["TrangThaiHoSo"]]
                assert last.get(call["code"], 0) <= at, call
                last[call["code"]] = at


async def equal_to_events_with_any_steps(portal: RunningPortal, events: list[DossierEvent]) -> int:
    """As `equal_to_events`; a step once sent stays, though a late one has taken its place."""
    for code, dossier in merge_all(events).items():
        held = await portal.dossier(code)
        assert held["status"] == current_status(dossier, SIMPLE.statuses)
        wanted = draft(dossier, SIMPLE.statuses, Names("x", "x", "x"))
        assert isinstance(wanted, Draft)
        keys = [f"{s['ThoiDiemXuLy']}:{s['TrangThai']}" for s in held["steps"]]
        assert len(keys) == len(set(keys))
        assert {s.key for s in wanted.steps} <= set(keys)
    return len(merge_all(events))


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("service", sorted(WRITES))
async def test_a_lost_answer_makes_nothing_twice(
    tmp_path: Path, engine: Engine, service: str, drop: str
) -> None:
    events = history(random.Random(4), dossiers=20)
    faults = [{"match": {"service": service, "every": 2}, "do": {"drop": drop}}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events)
        await sync.drain()
        applied = [
            c
            for c in await portal.log(service="DongBoHoSoMC")
            if c["error_code"] == "0" and c["updating"] == 0
        ]

        assert 20 == await equal_to_events(portal, events)
        assert 20 == len(applied)


async def test_goes_on_when_the_session_ends_mid_run(tmp_path: Path, engine: Engine) -> None:
    events = history(random.Random(5), dossiers=15)
    faults = [
        {"match": {"service": s, "every": 9}, "do": {"expire_session": True}} for s in WRITES
    ]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events)
        await sync.drain()

        assert 15 == await equal_to_events(portal, events)
        assert [c for c in await portal.log() if c["error_code"] == "1"]


async def test_waits_out_a_portal_that_fails(tmp_path: Path, engine: Engine) -> None:
    events = history(random.Random(6), dossiers=15)
    faults: list[dict[str, Any]] = [
        {"match": {"from": 5, "to": 14}, "do": {"http": 503}},
        {"match": {"service": "DongBoHoSoMC", "nth": 3}, "do": {"http": 429, "retry_after": 0.1}},
        {"match": {"service": "DongBoHoSoMC", "nth": 5}, "do": {"html": True}},
    ]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events)
        await sync.drain(40)

        assert 15 == await equal_to_events(portal, events)


async def test_one_failing_dossier_waits_alone_and_is_parked(
    tmp_path: Path, engine: Engine
) -> None:
    poison = "H37.2-240108-0666"
    events = [*steps(2, 4, code=poison), *history(random.Random(7), dossiers=10)]
    faults = [{"match": {"dossier": poison, "service": "DongBoHoSoMC"}, "do": {"http": 500}}]
    async with running_portal(tmp_path, faults) as portal:
        settings = portal.settings(national_retry_longest=0.01)
        sync = Sync(engine, settings, clock=WorkClock(), retries=Retries(1, 0.01, CALENDAR))
        sync.feed(events)
        await sync.drain()
        with engine.connect() as connection:
            stopped = list_stopped(connection, 10)

        assert 10 == await equal_to_events(portal, events[2:])
        assert [(poison, "parked")] == [(s["code"], s["lane"]) for s in stopped]
        assert "HTTP 500" in stopped[0]["reason"]
        assert stopped[0]["attempts"] > 1


class WorkClock:
    """A clock that moves half a working hour each time it is read, from START on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1_800_000
        return self.now


async def test_a_refusal_is_parked_and_redriven(tmp_path: Path, engine: Engine) -> None:
    said = {"error_code": "-1", "message": "MaTTHC: chưa được công bố"}
    faults = [{"match": {"service": "DongBoHoSoMC", "nth": n}, "do": said} for n in (1, 2)]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2))
        await sync.drain()
        with engine.begin() as connection:
            first = list_stopped(connection, 10)
            redriven = redrive_stopped(connection, START)
        await sync.drain()
        sync.feed([step(1, 4)])
        await sync.drain()

        assert ["-1: MaTTHC: chưa được công bố"] == [s["reason"] for s in first]
        assert [CODE] == redriven
        assert 1 == await equal_to_events(portal, steps(2, 4))
        assert ["PARKED", "PARKED", "CREATED"] == await outcomes(sync)


async def outcomes(sync: Sync) -> list[str]:
    await sync.drain_results()
    return [str(result["outcome"]) for result in sync.results]


async def test_holds_what_is_unmapped_until_an_event_maps_it(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path, unknown=["1.009999"]) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed([step(0, 0), *steps(2, code="H37.2-240108-0002", procedure="1.009999")])
        await sync.drain()
        with engine.connect() as connection:
            reasons = summarise(connection).reasons
        sync.feed([step(1, 2)])
        await sync.drain()

        assert {"held: unmapped_status": 1, "held: unknown_procedure: 1.009999": 1} == reasons
        assert [CODE] == [d["code"] for d in (await portal.get("/api/dossiers"))["items"]]
        assert WRITES.isdisjoint(
            c["service"] for c in await portal.log(dossier="H37.2-240108-0002")
        )


async def test_parks_a_poison_record_and_passes_it(tmp_path: Path, engine: Engine) -> None:
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed_values([b"\x00\x00", None])
        sync.feed(steps(2))
        await sync.drain()

        assert [RejectReason.UNREADABLE] * 2 == [r.cause.reason for r in sync.rejects]
        assert 3 == sync.queue.position(0)
        assert 1 == await equal_to_events(portal, steps(2))


async def test_a_unit_of_300_kilobytes_is_parked_and_the_others_are_sent(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        giant = replace(steps(1)[0], dossier_code="H37.2-240108-0009", agency="x" * 300_000)
        sync.feed([with_id(giant), *steps(2)])
        await sync.drain()

        assert [(RejectReason.BAD_VALUE, "agency")] == [
            (r.cause.reason, r.cause.field) for r in sync.rejects
        ]
        assert 2 == sync.queue.position(0)
        assert 1 == await equal_to_events(portal, steps(2))


async def test_a_worker_that_died_half_way_sends_no_step_again(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_GATHER", 0.5)  # it dies before it settles
    events = steps(1, 2, 4, 9)
    faults = [{"match": {"service": "CapNhatTienDoHoSoMC"}, "do": {"delay": 0.2}}]
    async with running_portal(tmp_path, faults) as portal:
        first = Sync(engine, portal.settings())
        first.feed(events)
        async with first.working():
            await until_log_has(portal, "CapNhatTienDoHoSoMC")
        pending = first.pending()
        await Sync(engine, portal.settings()).drain()

        assert 1 == pending
        assert 1 == await equal_to_events(portal, events)
        assert 1 == len(await portal.log(service="CapNhatTienDoHoSoMC"))


async def test_a_worker_that_died_before_it_settled_is_outlived_by_what_it_sent(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_GATHER", 0.5)  # it dies before it settles
    faults = [{"match": {"service": "CapNhatTienDoHoSoMC", "nth": 2}, "do": {"hold": 2}}]
    async with running_portal(tmp_path, faults) as portal:
        first = _fed(Sync(engine, portal.settings()), steps(2))
        await first.drain()
        first.feed([step(1, 4)])
        async with first.working():
            await until_log_has(portal, "CapNhatTienDoHoSoMC", 2)
        pending = first.pending()
        await Sync(engine, portal.settings()).drain()

        assert 1 == pending
        assert 1 == await equal_to_events(portal, steps(2, 4))
        assert 2 == len(await portal.log(service="CapNhatTienDoHoSoMC"))


async def until_log_has(portal: RunningPortal, service: str, calls: int = 1) -> None:
    async def there() -> bool:
        return len(await portal.log(service=service)) >= calls

    await until(f"the portal has {calls} calls of {service}", there)


class Refused(Sync):
    """A sync worker whose results Kafka does not take."""

    async def _send(self, results: Sequence[Outgoing]) -> None:
        raise RetryableError(f"{len(results)} results were not acknowledged")


async def test_a_result_that_kafka_did_not_take_is_sent_by_the_next_worker(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path) as portal:
        with pytest.RaisesGroup(RetryableError):
            await _fed(Refused(engine, portal.settings()), steps(2)).drain_results()
        heir = Sync(engine, portal.settings())

        assert ["CREATED"] == await outcomes(heir)


async def test_events_of_a_push_s_time_are_sent_after_it(tmp_path: Path, engine: Engine) -> None:
    faults = [{"match": {"service": "DongBoHoSoMC", "nth": 1}, "do": {"delay": 0.2}}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2))
        async with sync.working():
            await until_log_has(portal, "LayThuTuc")
            sync.feed([step(1, 9)])
            await until("all are through", lambda: sync.pending() == 0)
        saves: list[dict[str, Any]] = await portal.log(service="DongBoHoSoMC")

        assert ["2", "9"] == [c["facts"][0]["TrangThaiHoSo"] for c in saves]
        assert 1 == await equal_to_events(portal, [step(0, 2), step(1, 9)])


async def test_a_worker_that_lost_its_partition_sends_nothing(
    tmp_path: Path, engine: Engine
) -> None:
    faults = [{"match": {"service": "LayThuTuc", "nth": 1}, "do": {"delay": 0.3}}]
    async with running_portal(tmp_path, faults) as portal:
        zombie = Sync(engine, portal.settings())
        zombie.feed(steps(2))
        before = abandoned()
        async with zombie.working():
            await until_log_has(portal, "login")
            owner = Sync(engine, portal.settings())
            await until("it gives way", lambda: abandoned() > before)
        written = [c for c in await portal.log() if c["service"] in WRITES]
        await owner.drain()

        assert [] == written
        assert 1 == await equal_to_events(portal, steps(2))


def abandoned() -> float:
    """How many pushes were given up because the partition was lost."""
    return REGISTRY.get_sample_value("lgsp_sync_pushes_total", {"outcome": "abandoned"}) or 0


async def test_a_dossier_that_breaks_our_own_code_is_parked_alone(
    tmp_path: Path, engine: Engine
) -> None:
    broken = "H37.2-240108-0666"
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed([*steps(2), *steps(2, code=broken)])
        with engine.begin() as connection:
            connection.execute(update(QUEUE).where(QUEUE.c.code == broken).values(dossier=b"no"))
        await sync.drain()
        with engine.connect() as connection:
            stopped = list_stopped(connection, 10)

        assert [(broken, "internal")] == [
            (s["code"], s["reason"].partition(":")[0]) for s in stopped
        ]
        assert 1 == await equal_to_events(portal, steps(2))


async def test_a_lost_store_makes_nothing_twice(tmp_path: Path, engine: Engine) -> None:
    events = history(random.Random(8), dossiers=10)
    empty = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    async with running_portal(tmp_path) as portal:
        await _fed(Sync(engine, portal.settings()), events).drain()
        await _fed(Sync(empty, portal.settings()), events).drain()
        calls = await portal.log()

        assert 10 == await equal_to_events(portal, events)
        assert 10 == len([c for c in calls if c["error_code"] == "3"])
        assert 10 == len([c for c in calls if c["service"] == "TraCuuHoSo"])
    empty.dispose()


async def test_a_portal_restored_from_an_old_copy_is_filled_again(
    tmp_path: Path, engine: Engine
) -> None:
    (tmp_path / "new").mkdir()
    async with running_portal(tmp_path) as portal:
        await _fed(Sync(engine, portal.settings()), steps(2, 4)).drain()
    async with running_portal(tmp_path / "new") as portal:
        await _fed(Sync(engine, portal.settings()), [step(2, 9)]).drain()

        assert 1 == await equal_to_events(portal, steps(2, 4, 9))


async def test_a_redriven_clean_dossier_is_looked_up_and_repaired(
    tmp_path: Path, engine: Engine
) -> None:
    forgotten, set_back = "H37.1-240108-0001", "H37.2-240108-0002"
    events = [*steps(2, 4, 9, code=forgotten), *steps(2, 4, 9, code=set_back)]
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(events[:2] + events[3:5])
        await sync.drain()
        async with sync.working():
            with closing(sqlite3.connect(tmp_path / "portal.db")) as backup:
                (old,) = backup.execute(
                    "SELECT record FROM dossiers WHERE code = ?", (set_back,)
                ).fetchone()
                sync.feed([events[2], events[5]])
                await until("all is there", lambda: sync.pending() == 0)
                backup.execute("DELETE FROM dossiers WHERE code = ?", (forgotten,))
                backup.execute("DELETE FROM steps WHERE status = 9 OR code = ?", (forgotten,))
                backup.execute("UPDATE dossiers SET record = ?, status = 4", (old,))
                backup.commit()
            with engine.begin() as connection:
                unknown = redrive(connection, START, [forgotten, set_back])
            await until("it is repaired", lambda: sync.pending() == 0)

        assert [] == unknown
        assert 2 == await equal_to_events(portal, events)


def _fed(sync: Sync, events: list[DossierEvent]) -> Sync:
    sync.feed(events)
    return sync
