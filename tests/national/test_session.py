"""The session: left when it has ended, kept when one call is refused, no storm of logins."""

import asyncio
from pathlib import Path

import pytest

from lgsp.domain.errors import RetryableError
from lgsp.national.client import NationalClient
from lgsp.national.session import LoginRefusedError, Sessions
from tests.national.dossiers import CODE
from tests.national.wilful import LOOK_UP, Call, Wilful, http, said, wilful


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Logins:
    """Counts logins; each gives another session."""

    def __init__(self) -> None:
        self.count = 0
        self.refuses = False

    async def __call__(self) -> str:
        self.count += 1
        await asyncio.sleep(0)
        if self.refuses:
            raise LoginRefusedError("no")
        return f"session-{self.count}"


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def logins() -> Logins:
    return Logins()


@pytest.fixture
def sessions(clock: Time, logins: Logins) -> Sessions:
    return Sessions(logins, clock, clock.sleep)


async def test_calls_that_are_refused_late_open_no_second_session(
    sessions: Sessions, clock: Time, logins: Logins
) -> None:
    first = await sessions.current()
    sessions.accepted(first)
    clock.now += 60
    for _ in range(64):
        sessions.refused(first, clock.now - 1)
        assert "session-2" == await sessions.current()

    assert 2 == logins.count


async def test_a_call_that_is_refused_while_others_are_accepted_ends_no_session(
    sessions: Sessions, clock: Time, logins: Logins
) -> None:
    session = await sessions.current()
    sent_at = clock.now
    clock.now += 1
    sessions.accepted(session)
    sessions.refused(session, sent_at)
    sessions.refused(session, clock.now, certainly=False)

    assert session == await sessions.current()
    clock.now += 1
    sessions.refused(session, clock.now)
    assert session != await sessions.current()


@pytest.mark.parametrize(("lag", "count"), [(1, 1), (7, 3), (20, 5)])
async def test_a_new_session_has_time_to_become_known(
    sessions: Sessions, clock: Time, logins: Logins, lag: float, count: int
) -> None:
    """However long its servers need to tell each other of a session, up to a minute."""
    opened: dict[str, float] = {}
    for _ in range(300):
        session = await sessions.current()
        age = clock.now - opened.setdefault(session, clock.now)
        if age >= lag:
            sessions.accepted(session)
            break
        sessions.refused(session, clock.now)
        clock.now += 0.5

    assert count == logins.count


async def test_two_who_share_an_account_log_in_once_a_second(
    sessions: Sessions, clock: Time, logins: Logins
) -> None:
    began = clock.now
    while clock.now < began + 10:
        session = await sessions.current()
        sessions.accepted(session)
        clock.now += 0.01
        sessions.refused(session, clock.now)

    assert 10 <= logins.count <= 12


async def test_a_refused_account_is_asked_for_ever_more_seldom(
    sessions: Sessions, clock: Time, logins: Logins
) -> None:
    logins.refuses = True
    for _ in range(3600):
        with pytest.raises(RetryableError):
            await sessions.current()
        clock.now += 1

    assert 60 < logins.count < 70


async def test_a_session_that_is_known_a_moment_later_is_used(tmp_path: Path) -> None:
    """Its servers tell each other of a session: the third call of each is the first accepted."""

    async def late(portal: Wilful, call: Call) -> bytes:
        if call.service == LOOK_UP and portal.asked[LOOK_UP] < 3:
            return said("1", "Phiên không hợp lệ")
        return portal.rightly(call)

    async with wilful(tmp_path, late) as portal, NationalClient(portal.settings()) as client:
        assert await client.look_up(CODE) is None

        assert 1 == portal.asked["login"]


async def test_a_session_that_ends_with_http_401_costs_one_login(tmp_path: Path) -> None:
    async def ends(portal: Wilful, call: Call) -> bytes:
        if call.service == LOOK_UP and portal.asked["login"] < 2 and portal.asked[LOOK_UP] > 1:
            return http(b"", 401)
        return portal.rightly(call)

    async with wilful(tmp_path, ends) as portal, NationalClient(portal.settings()) as client:
        await client.look_up(CODE)
        await asyncio.gather(*[client.look_up(CODE) for _ in range(20)])

        assert 2 == portal.asked["login"]


async def test_a_cookie_that_leads_to_the_server_of_the_session_is_kept(tmp_path: Path) -> None:
    async def two_servers(portal: Wilful, call: Call) -> bytes:
        right = portal.rightly(call)
        if call.service == "login":
            return right.replace(b"\r\n", b"\r\nSet-Cookie: SERVER=b; Path=/\r\n", 1)
        return right if call.headers.get("cookie") == "SERVER=b" else said("1", "Phiên lạ")

    async with (
        wilful(tmp_path, two_servers) as portal,
        NationalClient(portal.settings()) as client,
    ):
        assert await client.look_up(CODE) is None


@pytest.mark.parametrize("status", [401, 403])
async def test_an_account_that_is_refused_by_its_status_is_not_tried_by_all(
    tmp_path: Path, status: int
) -> None:
    async def refuses(_portal: Wilful, _call: Call) -> bytes:
        return http(b"", status)

    async with wilful(tmp_path, refuses) as portal, NationalClient(portal.settings()) as client:
        asked = [client.look_up(CODE) for _ in range(20)]
        errors = await asyncio.gather(*asked, return_exceptions=True)

        assert 1 == portal.asked["login"]
    refused = f"login refused: HTTP {status}: check LGSP_NATIONAL_USER"
    assert all(str(error).startswith(refused) for error in errors)
