"""The client against the real mock: what each failure becomes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from lgsp.domain.errors import RetryableError
from lgsp.national.client import NationalClient
from lgsp.national.outcomes import Ok, OutcomeUnknown, Refused
from tests.national.harness import CALL, RunningPortal, running_portal
from tests.simulation.records import RECORD

SAVES = {"service": "DongBoHoSoMC", "nth": 1}
LOOK_UPS = {"service": "TraCuuHoSo", "nth": 1}


@asynccontextmanager
async def client_of(
    folder: Path, faults: Sequence[dict[str, Any]] = (), ttl: float = 600, **settings: Any
) -> AsyncIterator[tuple[NationalClient, RunningPortal]]:
    async with (
        running_portal(folder, faults, session_ttl=ttl) as portal,
        NationalClient(portal.settings(**settings)) as client,
    ):
        yield client, portal


def timeout_for(do: dict[str, Any]) -> float:
    """Give a slow answer too little time, and every other one enough on a busy machine."""
    return 1.5 if {"delay", "drip"} & do.keys() else 20


async def test_creates_finds_and_updates(tmp_path: Path) -> None:
    async with client_of(tmp_path) as (client, portal):
        assert await client.look_up(RECORD["MaHoSo"]) is None
        assert Ok() == await client.save(RECORD, updating=False)
        assert Ok() == await client.save(RECORD | {"TrangThaiHoSo": "9"}, updating=True)
        found = await client.look_up(RECORD["MaHoSo"])

        assert found is not None
        assert "9" == found["TrangThaiHoSo"]
        assert 1 == [c["service"] for c in await portal.log()].count("login")


@pytest.mark.parametrize(
    "do",
    [
        {"drop": "before"},
        {"drop": "after"},
        {"truncate": True},
        {"html": True},
        {"http": 500},
        {"http": 504},
        {"delay": 5},
    ],
)
async def test_a_write_without_an_answer_is_of_unknown_outcome(
    tmp_path: Path, do: dict[str, Any]
) -> None:
    faults = [{"match": SAVES, "do": do}]
    async with client_of(tmp_path, faults, national_timeout=timeout_for(do)) as (client, _):
        assert isinstance(await client.save(RECORD, updating=False), OutcomeUnknown)


@pytest.mark.parametrize("do", [{"drop": "before"}, {"html": True}, {"http": 500}, {"http": 404}])
async def test_a_question_without_an_answer_may_be_asked_again(
    tmp_path: Path, do: dict[str, Any]
) -> None:
    async with client_of(tmp_path, [{"match": LOOK_UPS, "do": do}]) as (client, _):
        with pytest.raises(RetryableError):
            await client.look_up("H37.1-240705-0001")
        assert await client.look_up("H37.1-240705-0001") is None


@pytest.mark.parametrize("status", [429, 503])
async def test_passes_on_the_portal_s_advice_to_wait(tmp_path: Path, status: int) -> None:
    faults = [{"match": SAVES, "do": {"http": status, "retry_after": 7}}]
    async with client_of(tmp_path, faults) as (client, _):
        with pytest.raises(RetryableError) as caught:
            await client.save(RECORD, updating=False)

        assert 7 == caught.value.wait


async def test_logs_in_again_once_when_the_session_ends(tmp_path: Path) -> None:
    faults = [{"match": LOOK_UPS | {"nth": 2}, "do": {"expire_session": True}}]
    async with client_of(tmp_path, faults) as (client, portal):
        for _ in range(3):
            assert await client.look_up("H37.1-240705-0001") is None
        services = [c["service"] for c in await portal.log()]

        assert 2 == services.count("login")
        assert 4 == services.count("TraCuuHoSo")


async def test_gives_up_on_sessions_that_never_hold(tmp_path: Path) -> None:
    async with client_of(tmp_path, ttl=0) as (client, _):
        with pytest.raises(RetryableError, match="a new session was refused"):
            await client.look_up("H37.1-240705-0001")


async def test_does_not_believe_code_0_with_a_message_of_failure(tmp_path: Path) -> None:
    said = {"error_code": "0", "message": "Đồng bộ không thành công"}
    async with client_of(tmp_path, [{"match": SAVES, "do": said}]) as (client, _):
        assert Refused("0", said["message"]) == await client.save(RECORD, updating=False)


async def test_believes_code_0_with_a_message_of_no_failure(tmp_path: Path) -> None:
    said = {"error_code": "0", "message": "Cập nhật thành công, 0 lỗi"}
    async with client_of(tmp_path, [{"match": SAVES, "do": said}]) as (client, _):
        assert Ok() == await client.save(RECORD, updating=False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("service", ["login", "DongBoHoSoMC"])
async def test_follows_no_redirect_and_names_its_host_only(
    tmp_path: Path, service: str, status: int
) -> None:
    (tmp_path / "other").mkdir()
    async with running_portal(tmp_path / "other") as other:
        target = f"{other.url}{CALL}&token=secret"
        do = {"http": status, "location": target}
        async with client_of(tmp_path, [{"match": {"service": service}, "do": do}]) as (client, _):
            try:
                outcome = await client.save(RECORD, updating=False)
            except RetryableError as error:
                said = str(error)
            else:  # 303 may be the answer to a write that was worked on
                assert (service, status) == ("DongBoHoSoMC", 303)
                assert isinstance(outcome, OutcomeUnknown)
                said = outcome.cause

        assert [] == await other.log()
        assert f"redirected to {other.url.removeprefix('http://')}, where nothing is sent" in said
        assert "LGSP_NATIONAL_URL" in said
        assert "secret" not in said


ODD = [
    {"body": "{}"},
    {"body": '{"error_code": false, "message": "Đồng bộ thành công"}'},
    {"body": '{"error_code": "0", "message": "Ðã xong"}', "charset": "cp1252"},
    {"body": '{"error_code": "0"}', "fill": 17 << 20},
    {"body": '{"error_code": "0", "message": "Đồng bộ thành công"}', "drip": 0.1},
]


@pytest.mark.parametrize("do", ODD, ids=["empty", "no code", "charset", "huge", "drip"])
async def test_a_malformed_answer_is_never_success(tmp_path: Path, do: dict[str, Any]) -> None:
    faults = [{"match": SAVES, "do": do}, {"match": LOOK_UPS, "do": do}]
    async with client_of(tmp_path, faults, national_timeout=timeout_for(do)) as (client, _):
        assert isinstance(await client.save(RECORD, updating=False), OutcomeUnknown)
        with pytest.raises(RetryableError):
            await client.look_up(RECORD["MaHoSo"])


async def test_numbers_instead_of_texts_are_read(tmp_path: Path) -> None:
    said = {"body": '{"error_code": 0, "message": 0, "result": null}'}
    async with client_of(tmp_path, [{"match": SAVES, "do": said}]) as (client, _):
        assert Ok() == await client.save(RECORD, updating=False)


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("TraCuuHoSo", '{"error_code": "0", "result": [{"MaHoSo": "H37.9-240705-0009"}]}'),
        ("TraCuuHoSo", '{"error_code": "0", "result": ["x"]}'),
    ],
)
async def test_an_answer_about_another_dossier_is_no_answer(
    tmp_path: Path, service: str, body: str
) -> None:
    faults = [{"match": {"service": service, "nth": 1}, "do": {"body": body}}]
    async with client_of(tmp_path, faults) as (client, _):
        with pytest.raises(RetryableError):
            await client.look_up(RECORD["MaHoSo"])
        assert await client.look_up(RECORD["MaHoSo"]) is None


async def test_an_answer_about_another_procedure_is_no_answer(tmp_path: Path) -> None:
    body = '{"error_code": "0", "result": [{"MATTHC": "1.009999", "TENTTHC": "x"}]}'
    own = body.replace("1.009999", "1.001612.000.00.00.H48")
    faults = [
        {"match": {"service": "LayThuTuc", "nth": n}, "do": {"body": said}}
        for n, said in ((1, body), (2, own))
    ]
    async with client_of(tmp_path, faults) as (client, _):
        with pytest.raises(RetryableError):
            await client.procedure("1.001612")
        found = await client.procedure("1.001612")

        assert found is not None
        assert "x" == found["TENTTHC"]


async def test_a_refusal_with_its_http_status_is_a_refusal(tmp_path: Path) -> None:
    said = {"match": {"service": "LayThuTuc"}, "do": {"error_code": "4", "message": "Không có"}}
    async with client_of(tmp_path, [said]) as (client, _):
        assert await client.procedure("1.001612") is None


@pytest.mark.parametrize("advice", ["inf", "nan", "-7", "0", "1e9", "Fri, 05 Jul 2199 12:00 GMT"])
async def test_no_advice_to_wait_is_without_bounds(tmp_path: Path, advice: str) -> None:
    faults = [{"match": SAVES, "do": {"http": 503, "retry_after": advice}}]
    async with client_of(tmp_path, faults) as (client, _):
        with pytest.raises(RetryableError) as caught:
            await client.save(RECORD, updating=False)

        assert 0 <= (caught.value.wait or 0) <= 3600


async def test_a_refusal_names_code_and_message(tmp_path: Path) -> None:
    async with client_of(tmp_path) as (client, _):
        outcome = await client.save(RECORD | {"TrangThaiHoSo": "0"}, updating=False)

        assert Refused("-1", "TrangThaiHoSo: giá trị không hợp lệ (0)") == outcome


async def test_never_logs_the_password(tmp_path: Path) -> None:
    async with client_of(tmp_path, national_password="mat-khau-thu") as (client, _):
        with structlog.testing.capture_logs() as logs, pytest.raises(RetryableError) as caught:
            await client.look_up("H37.1-240705-0001")

        assert "mat-khau-thu" not in f"{logs} {caught.value}"
        assert 1 == sum("login refused" in line.get("reason", "") for line in logs)


async def test_a_portal_that_is_not_there_was_not_asked(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        settings = portal.settings()
    async with NationalClient(settings) as client:
        with pytest.raises(RetryableError, match="Cannot connect"):
            await client.save(RECORD, updating=False)


async def test_a_portal_that_refuses_every_session_is_no_sign_of_life(tmp_path: Path) -> None:
    async with client_of(tmp_path, ttl=0) as (client, _):
        with pytest.raises(RetryableError):
            await client.look_up("H37.1-240705-0001")

        assert 0 == client.answers
