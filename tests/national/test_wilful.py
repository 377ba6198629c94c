"""What portals and what stands before them really do on the wire, and nothing is lost or twice."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine

from lgsp.domain.errors import RetryableError
from lgsp.national.client import NationalClient
from lgsp.national.outcomes import OutcomeUnknown, Refused
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import list_stopped
from tests.national.dossiers import CODE, steps
from tests.national.harness import Sync
from tests.national.wilful import LOOK_UP, PROGRESS, SAVE, Call, Wilful, http, said, wilful
from tests.simulation.records import RECORD
from tests.waiting import until

OWNER = {"ChuHoSo": "NGUYỄN THỊ KHÔNG AI", "SoDienThoai": "0900000000", "Email": "a@khong.vn"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    yield opened
    opened.dispose()


def stopped(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(row["lane"], row["reason"]) for row in list_stopped(connection, 1000)]


def dossiers(count: int) -> list[Any]:
    """Dossiers of three steps, of several units and procedures."""
    return [
        event
        for n in range(count)
        for event in steps(
            2, 4, 9, code=f"H37.{n % 7}-240108-{n:04d}", procedure=f"1.00161{n % 5}"
        )
    ]


async def test_an_answer_that_came_unasked_is_not_the_next_call_s(tmp_path: Path) -> None:
    sent_again = asyncio.Event()

    async def twice(portal: Wilful, call: Call) -> bytes:
        if call.service == SAVE:
            return said("-1", "Không hợp lệ")
        right = portal.rightly(call)
        if call.service == LOOK_UP:
            call.writer.write(right)
            await call.writer.drain()
            asyncio.get_running_loop().call_later(0.05, sent_again.set)
            await sent_again.wait()
            return said("0", "Cập nhật thành công")
        return right

    async with wilful(tmp_path, twice) as portal, NationalClient(portal.settings()) as client:
        with structlog.testing.capture_logs() as logs:
            assert await client.look_up(CODE) is None
            await until("the second answer is there", sent_again.is_set)
            await asyncio.to_thread(lambda: None)
            outcome = await client.save(RECORD, updating=False)

    assert isinstance(outcome, Refused | OutcomeUnknown)
    assert "national_answer_unasked" in [line["event"] for line in logs]


async def test_a_portal_that_closes_each_connection_without_saying_so_is_served(
    tmp_path: Path, engine: Engine
) -> None:
    async def closing(portal: Wilful, call: Call) -> None:
        call.writer.write(portal.rightly(call))
        await call.writer.drain()

    async with wilful(tmp_path, closing) as portal:
        sync = Sync(engine, portal.settings(national_concurrency=4))
        sync.feed(dossiers(30))
        await sync.drain(60)

        assert all(
            ["2", "4", "9"] == portal.steps(f"H37.{n % 7}-240108-{n:04d}") for n in range(30)
        )
    assert [] == stopped(engine)


async def test_half_a_character_in_a_message_parks_one_dossier_and_stops_nothing(
    tmp_path: Path, engine: Engine
) -> None:
    async def cut(portal: Wilful, call: Call) -> bytes:
        if call.service == PROGRESS and call.code.endswith("3"):
            return http(
                b'{"error_code":"-1","message":"Kh\\u00f4ng h\\u1ee3p l\\u1ec7 \\ud83d\\u0000"}'
            )
        return portal.rightly(call)

    async with wilful(tmp_path, cut) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(dossiers(10))
        await sync.drain_results()

    assert ["parked"] == [lane for lane, _ in stopped(engine)]
    assert stopped(engine)[0][1].endswith("Không hợp lệ ?")


async def test_half_a_character_in_a_look_up_stops_nothing(tmp_path: Path, engine: Engine) -> None:
    found = b'{"error_code":"0","message":"","result":[{"MaHoSo":"%s","NoiNopHoSo":"\\ud83d"}]}'

    async def odd(portal: Wilful, call: Call) -> bytes | None:
        right = portal.rightly(call)
        if call.service == SAVE and portal.asked[SAVE] == 1:
            return None
        return http(found % CODE.encode()) if call.service == LOOK_UP else right

    async with wilful(tmp_path, odd) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4))
        await sync.drain_results()

        assert ["2", "4"] == portal.steps(CODE)
    assert [] == stopped(engine)


async def test_nothing_that_was_sent_of_a_person_or_secret_is_shown(tmp_path: Path) -> None:
    async def repeating(portal: Wilful, call: Call) -> bytes:
        if call.service == SAVE:
            shown = str(call.body["data"][0] | {"TenTTHC": ""}) + call.body["session"]
            escaped = json.dumps(OWNER["ChuHoSo"])[1:-1]
            return said("-1", f"Dữ liệu sai: {OWNER} {escaped} {call.body['session']} {shown}")
        return portal.rightly(call)

    async with wilful(tmp_path, repeating) as portal, NationalClient(portal.settings()) as client:
        outcome = await client.save(RECORD | OWNER, updating=False)

    assert isinstance(outcome, Refused)
    assert "Dữ liệu sai: {'ChuHoSo': '***', 'SoDienThoai': '***', 'Email': '***'} *** ***" in (
        outcome.message
    )


async def test_a_portal_that_repeats_the_password_puts_it_nowhere(tmp_path: Path) -> None:
    async def repeating(_portal: Wilful, call: Call) -> bytes:
        return said("-1", f"Sai mật khẩu {call.body['password']}")

    async with wilful(tmp_path, repeating) as portal:
        settings = portal.settings(national_password="mat-khau-thu")
        async with NationalClient(settings) as client:
            with structlog.testing.capture_logs() as logs, pytest.raises(RetryableError) as caught:
                await client.look_up(CODE)

    assert "Sai mật khẩu ***" in str(caught.value)
    assert "mat-khau-thu" not in f"{logs} {caught.value}"


async def test_what_is_no_http_is_not_shown(tmp_path: Path) -> None:
    async def garbage(portal: Wilful, call: Call) -> bytes:
        if call.service == SAVE:
            return f"{OWNER}\r\n\r\n".encode()
        return portal.rightly(call)

    async with wilful(tmp_path, garbage) as portal, NationalClient(portal.settings()) as client:
        outcome = await client.save(RECORD | OWNER, updating=False)

    assert isinstance(outcome, OutcomeUnknown)
    assert "KHÔNG AI" not in outcome.cause
    assert "not HTTP" in outcome.cause


@pytest.mark.parametrize("words", [b"", b"reset reason: connection termination"])
async def test_what_was_worked_on_and_answered_503_is_not_there_twice(
    tmp_path: Path, engine: Engine, words: bytes
) -> None:
    async def lossy(portal: Wilful, call: Call) -> bytes:
        right = portal.rightly(call)
        return (
            http(words, 503) if call.service == PROGRESS and portal.asked[PROGRESS] == 1 else right
        )

    async with wilful(tmp_path, lossy) as portal:
        sync = Sync(engine, portal.settings())
        sync.feed(steps(2, 4, 9))
        await sync.drain()

        assert ["2", "4", "9"] == portal.steps(CODE)


@pytest.mark.parametrize("shown", ["in words", "the newest two"])
async def test_steps_that_a_look_up_shows_otherwise_are_not_sent_twice(
    tmp_path: Path, engine: Engine, shown: str
) -> None:
    async def otherwise(portal: Wilful, call: Call) -> bytes | None:
        answer = portal.portal.login(call.body) if call.service == "login" else None
        answer = answer or portal.portal.call(call.body)
        if call.service == PROGRESS and portal.asked[PROGRESS] == 1:
            return None
        for found in answer.result or [] if call.service == LOOK_UP else []:
            listed = found["DanhSachTienDo"]
            found["DanhSachTienDo"] = (
                [s | {"TrangThai": s["TrangThai"] + " - Đang xử lý"} for s in listed]
                if shown == "in words"
                else listed[-2:]
            )
        return http(answer.body())

    async with wilful(tmp_path, otherwise) as portal:
        sync = Sync(engine, portal.settings(national_read_back=1))
        sync.feed(steps(2, 4, 5, 4, 9))
        await sync.drain()

        assert ["2", "4", "5", "4", "9"] == portal.steps(CODE)
    assert {"in words": ["in_doubt"], "the newest two": []}[shown] == [
        lane for lane, _ in stopped(engine)
    ]


ALIKE = {
    "words of maintenance": ("-1", "Hệ thống đang bảo trì, vui lòng thử lại sau"),
    "words of a session": ("-1", "Phiên làm việc đã hết hạn, vui lòng đăng nhập lại"),
    "words of trouble": ("-1", "Lỗi hệ thống"),
}


@pytest.mark.parametrize("said_then", ALIKE.values(), ids=ALIKE)
async def test_a_portal_that_refuses_all_for_a_while_parks_nothing(
    tmp_path: Path, engine: Engine, said_then: tuple[str, str]
) -> None:
    refused = 0

    async def for_a_while(portal: Wilful, call: Call) -> bytes:
        nonlocal refused
        if portal.asked[SAVE] and call.service != "login" and refused < 40:
            refused += 1
            return said(*said_then)
        return portal.rightly(call)

    async with wilful(tmp_path, for_a_while) as portal:
        sync = Sync(engine, portal.settings(national_concurrency=16))
        sync.feed(dossiers(30))
        async with sync.working():
            await until("all is through", lambda: sync.pending() == 0, 60)

    assert [] == stopped(engine)
    assert 40 == refused


async def test_what_was_parked_while_all_were_refused_is_sent_once_it_is_over(
    tmp_path: Path, engine: Engine
) -> None:
    fails = True

    async def database_away(portal: Wilful, call: Call) -> bytes:
        if call.service == SAVE and fails:
            return said("-1", f"ORA-12541: TNS:no listener ({call.code})")
        return portal.rightly(call)

    async with wilful(tmp_path, database_away) as portal:
        sync = Sync(engine, portal.settings(national_concurrency=8))
        one_procedure = sorted(dossiers(60), key=lambda event: event.procedure)
        sync.feed(one_procedure)
        with structlog.testing.capture_logs() as logs:
            async with sync.working():
                await until("all were tried", lambda: portal.asked[SAVE] >= 80)
                parked = len(stopped(engine))
                by_then = [line["event"] for line in logs]
                fails = False
                await until(
                    "all is through", lambda: not sync.pending() and not stopped(engine), 60
                )

        assert 10 <= parked < 60
        assert 1 == by_then.count("national_portal_refuses_all")
        assert all(portal.steps(f"H37.{n % 7}-240108-{n:04d}") for n in range(60))
