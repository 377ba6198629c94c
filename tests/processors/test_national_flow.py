"""How dossiers flow to the real mock: past those that fail, at its pace, and when it is back."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, select

from lgsp.national import freeing, turns
from lgsp.national.pushed import PushResult
from lgsp.national.retries import Retries
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import list_pending, list_stopped, summarise
from lgsp.store.sync.queue import count_waiting
from lgsp.store.sync.tables import QUEUE
from tests.national.dossiers import START, steps
from tests.national.harness import CALENDAR, RunningPortal, Sync, running_portal
from tests.waiting import until

BAD = "1.009999"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    yield opened
    opened.dispose()


class FastClock:
    """Working time goes by: an hour from START on each second."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self) -> int:
        return START + int((time.monotonic() - self.began) * 3_600_000)


def good(count: int) -> list[Any]:
    """Dossiers of two steps, of several units and procedures."""
    return [
        event
        for n in range(count)
        for event in steps(2, 4, code=f"H37.{n % 7}-240108-{n:04d}", procedure=f"1.00161{n % 5}")
    ]


def bad(count: int) -> list[Any]:
    """Dossiers of the procedure that fails, of the same units."""
    return [
        event
        for n in range(count)
        for event in steps(2, 4, code=f"H37.{n % 7}-240109-{n:04d}", procedure=BAD)
    ]


FAILING: list[list[dict[str, Any]]] = [
    [{"match": {"dossier": "*-240109-*", "service": "DongBoHoSoMC"}, "do": {"http": 500}}],
    [{"match": {"dossier": "*-240109-*"}, "do": {"http": 500}}],
]


@pytest.mark.parametrize("faults", FAILING, ids=["save", "all services"])
async def test_a_procedure_that_fails_stops_no_other_and_is_parked(
    tmp_path: Path, engine: Engine, faults: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_REST", 0.02)
    async with running_portal(tmp_path, faults) as portal:
        clock = FastClock()
        sync = Sync(
            engine, portal.settings(national_concurrency=8), clock, retries=_retries(hours=3)
        )
        sync.feed(bad(40))
        sync.feed(good(60))
        async with sync.working():
            await until("the others are through", lambda: sync.pending() <= 40)
            early = len(await dossiers_of(portal))
            await until("the bad ones are parked", lambda: sync.pending() == 0)
        with engine.connect() as connection:
            stopped = list_stopped(connection, 100)

        assert 60 == early
        assert ["parked"] * 40 == [dossier["lane"] for dossier in stopped]
        assert all("-240109-" in dossier["code"] for dossier in stopped)


def _retries(hours: float) -> Retries:
    return Retries(hours / 8, 60, CALENDAR)


async def dossiers_of(portal: RunningPortal) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await portal.get("/api/dossiers", limit=5000))["items"]
    return items


async def test_what_hangs_leaves_the_others_their_slots(tmp_path: Path, engine: Engine) -> None:
    faults = [{"match": {"dossier": "*-240109-*"}, "do": {"delay": 4}}]
    async with running_portal(tmp_path, faults) as portal:
        settings = portal.settings(national_concurrency=8, national_timeout=1.5)
        sync = Sync(engine, settings)
        sync.feed(bad(100))
        sync.feed(good(40))
        async with sync.working():
            await until("the others are through", lambda: sync.pending() == 100)
            with engine.connect() as connection:
                left = list_pending(connection, 1000)

        assert all("-240109-" in dossier["code"] for dossier in left)
        assert any("procedure 1.009999" in dossier["reason"] for dossier in left)


async def test_a_procedure_that_works_again_is_sent_without_a_hand(
    tmp_path: Path, engine: Engine
) -> None:
    faults = [
        {
            "match": {"dossier": "*-240109-*", "service": "DongBoHoSoMC", "to": 60},
            "do": {"http": 500},
        }
    ]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(bad(30))
        await sync.drain()

        assert 30 == len(await dossiers_of(portal))


UNKNOWN = {
    "absent": {"error_code": "4", "message": "Thủ tục không tồn tại"},
    "an empty catalogue": {"error_code": "0", "message": "Lấy thủ tục thành công"},
}


@pytest.mark.parametrize("said", UNKNOWN.values(), ids=UNKNOWN)
async def test_what_is_held_for_an_unknown_procedure_is_freed_once_it_is_known(
    tmp_path: Path, engine: Engine, said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeing, "_FIRST", 0.05)
    faults = [{"match": {"service": "LayThuTuc", "to": 4}, "do": said}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(bad(20))
        await sync.drain()
        with engine.connect() as connection:
            reasons = summarise(connection).reasons
        async with Sync(engine, portal.settings()).working():

            async def through() -> bool:
                return len(await dossiers_of(portal)) == 20

            await until("they are free", through)
        asked = await portal.log(service="LayThuTuc")

        assert {"held: unknown_procedure: 1.009999": 20} == reasons
        assert len(asked) <= 6


async def test_a_portal_that_is_away_is_asked_and_no_dossier_pays_for_it(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path) as portal:
        portal.gateway.away = True
        sync = Sync(engine, portal.settings(national_concurrency=8))
        sync.feed(good(50))
        async with sync.working():
            await until("it has been asked", lambda: portal.gateway.turned_away > 20)
            open_then = _metric("lgsp_sync_breaker_open")
            with engine.connect() as connection:
                paid = [
                    (row.attempts, row.failing_since)
                    for row in connection.execute(select(QUEUE))
                    if row.attempts or row.failing_since
                ]
                waiting = count_waiting(connection)
            pushed = portal.gateway.turned_away
            portal.gateway.away = False
            await until("all is through", lambda: sync.pending() == 0)

        assert (1, 0) == (open_then, _metric("lgsp_sync_breaker_open"))
        assert all(_metric("lgsp_sync_pushes_total", outcome=r.value) >= 0 for r in PushResult)
        assert [] == paid
        assert 0 == waiting
        assert pushed < 40
        assert 50 == len(await dossiers_of(portal))
        assert not [
            call for call in await portal.log(service="TraCuuHoSo") if call["code"].count("-2401")
        ]


def _metric(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None, name
    return value


async def test_a_refused_login_is_not_tried_again_by_all_who_wait_for_it(
    tmp_path: Path, engine: Engine
) -> None:
    refused = {"error_code": "-1", "message": "Sai tên đăng nhập hoặc mật khẩu"}
    faults = [{"match": {"service": "login", "nth": 1}, "do": refused}]
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(good(100))
        await sync.drain()

        assert 100 == len(await dossiers_of(portal))
        assert 2 == len(await portal.log(service="login"))


async def test_many_calls_are_under_way_at_once(tmp_path: Path, engine: Engine) -> None:
    """At 200 ms a call and two calls a dossier, 64 at once would be 160 dossiers a second."""
    async with running_portal(tmp_path) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(good(8))
        await sync.drain()  # the procedures are known
        portal.gateway.delay = 1
        sync.feed(good(72)[16:])
        await sync.drain()

        assert 64 == sync.settings.national_concurrency
        assert 56 <= portal.gateway.most_in_flight <= 64


async def test_a_budget_of_calls_is_used_and_costs_no_look_up(
    tmp_path: Path, engine: Engine
) -> None:
    async with running_portal(tmp_path) as portal:
        portal.gateway.per_second = 60
        sync = Sync(engine, portal.settings())
        sync.feed(good(60))
        await sync.drain()
        sync.feed([event for n in range(60) for event in _third_step(n)])
        await sync.drain()
        looked_up = await portal.log(service="TraCuuHoSo")
        with engine.connect() as connection:
            assert 0 == count_waiting(connection)

        assert 60 == len(await dossiers_of(portal))
        assert [] == looked_up
        assert portal.gateway.refused < 90


def _third_step(n: int) -> list[Any]:
    code = f"H37.{n % 7}-240108-{n:04d}"
    return steps(2, 4, 9, code=code, procedure=f"1.00161{n % 5}")[2:]


async def test_ends_at_once_while_all_calls_hang(engine: Engine) -> None:
    calls = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.read()  # until the caller goes away
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        sync = Sync(engine, Settings(national_url=f"http://127.0.0.1:{port}"))
        sync.feed(good(50))
        async with sync.working() as running:
            await until("calls hang", lambda: calls > 0)
            running.cancel()
            ended, _ = await asyncio.wait({running}, timeout=8)

        assert {running} == ended
        assert 50 == sync.pending()
