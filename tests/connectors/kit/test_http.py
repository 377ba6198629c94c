"""The HTTP client of the kit: what a body says is read, and refused with place and reason."""

import gzip
import math
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lgsp.domain.errors import ConfigurationError, FatalError, RetryableError
from lgsp_connectors.kit.http import Auth, Client
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.testing import FakePortal

PATH = "/list"


@pytest.fixture
async def portal() -> AsyncIterator[FakePortal]:
    async with FakePortal(PATH, lambda _query, _headers: {"total": 0}) as served:
        yield served


@pytest.fixture
async def client(portal: FakePortal) -> AsyncIterator[Client]:
    made = Client(portal.url, auth=Auth(user="lgsp", password="pw"), timeout=5)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),  # a byte order mark
        (rb'{"a": 1, "note": "x \ud83d y"}', {"a": 1, "note": "x \ud83d y"}),  # half a pair
        (b'{"a": 1, "note": "\xed\xa0\xbd"}', {"a": 1, "note": "\ud83d"}),  # the same as bytes
        ('{"a": "Đơn"}'.encode("utf-16"), {"a": "Đơn"}),
        (b'{"a": 1, "note": "Th\xea"}', {"a": 1, "note": "Th\udcea"}),  # another encoding
        (b'{"a": 12345678901234567890123, "b": 0.5}', {"a": 12345678901234567890123, "b": 0.5}),
        (b'{"a": [-Infinity, 1%s]}' % (b"0" * 5000), {"a": [-math.inf, math.inf]}),
    ],
)
async def test_reads_what_a_strict_parser_refuses(
    portal: FakePortal, client: Client, body: bytes, found: object
) -> None:
    portal.answer(200, body=body)
    assert found == await client.get_json(PATH, {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"total": 1, "data"', "line 1 column 20"),
        ('{"total":\n 1,, }', "line 2 column 4"),
        ("", "line 1 column 1"),
        ("[" * 100_000, "nested"),
    ],
)
async def test_no_json_says_the_parsers_reason_and_position(
    portal: FakePortal, client: Client, body: str, said: str
) -> None:
    portal.answer(200, body=body)
    with pytest.raises(RetryableError, match="no JSON") as caught:
        await client.get_json(PATH, {})
    assert said in str(caught.value)
    assert f"{len(body)} bytes" in str(caught.value)


async def test_a_word_that_is_no_number_spoils_its_own_value_only(
    portal: FakePortal, client: Client
) -> None:
    portal.answer(200, body='{"a": NaN, "b": 1}')
    found = await client.get_json(PATH, {})
    assert (math.isnan(found["a"]), found["b"]) == (True, 1)


async def test_an_answer_larger_than_anything_sane_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(200 << 20), compresslevel=1)

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_get(PATH, serve)
    async with TestServer(app) as server:
        client = Client(str(server.make_url("/")), timeout=20)
        with pytest.raises(FatalError, match=r"longer than 64 MB.*page_rows"):
            await client.get_json(PATH, {})
        await client.close()


@pytest.mark.parametrize("status", [401, 403, 203])
async def test_not_logged_in_names_the_account(
    portal: FakePortal, client: Client, status: int
) -> None:
    portal.always(status, body="{}")
    with pytest.raises(FatalError, match=rf"HTTP {status}.*source\.auth.*user 'lgsp'") as caught:
        await client.get_json(PATH, {})
    assert "pw" not in str(caught.value)


async def test_a_token_that_was_renewed_is_taken_once(portal: FakePortal, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    client = Client(portal.url, auth=Auth(token_file=file), timeout=5)
    try:
        await client.get_json(PATH, {})
        portal.answer(401)
        file.write_text("new")
        await client.get_json(PATH, {})
        assert portal.headers[-1]["Authorization"] == "Bearer new"
        portal.always(401)
        portal.requests.clear()
        with pytest.raises(FatalError, match=r"source\.auth.*token"):
            await client.get_json(PATH, {})
        assert len(portal.requests) == 1  # the file holds the same token: nothing to try
    finally:
        await client.close()


GONE_BY = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("advice", ["0", GONE_BY], ids=["nought", "gone by"])
async def test_advice_never_makes_it_more_impatient_than_its_own_back_off(
    portal: FakePortal, client: Client, advice: str
) -> None:
    portal.always(503, retry_after=advice)
    with pytest.raises(FatalError):
        await retried(lambda: client.get_json(PATH, {}), give_up_seconds=2)
    assert 2 <= len(portal.requests) <= 12


async def test_it_can_be_told_not_to_try_again(portal: FakePortal, client: Client) -> None:
    portal.always(503)
    with pytest.raises(FatalError, match="503"):
        await retried(lambda: client.get_json(PATH, {}), give_up_seconds=0)
    assert len(portal.requests) == 1


@pytest.mark.parametrize(
    ("auth", "header", "account"),
    [
        (Auth(), None, "no account is set"),
        (Auth(user="lgsp", password="pw"), "Basic bGdzcDpwdw==", "user 'lgsp'"),
        (Auth(token="abc"), "Bearer abc", "the token"),
    ],
)
async def test_logs_in_as_the_settings_say(auth: Auth, header: str | None, account: str) -> None:
    sent: list[str | None] = []

    def answer(_query: object, headers: Mapping[str, str]) -> dict[str, int]:
        sent.append(headers.get("Authorization"))
        return {"total": 0}

    async with FakePortal(PATH, answer) as portal:
        client = Client(portal.url, auth=auth, timeout=5, rate=100)
        await client.get_json(PATH, {})
        await client.close()

    assert sent == [header]
    assert auth.account() == account


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "no UTF-8"])
def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n", "utf-8")
    auth = Auth(token_file=file)
    assert auth.header() == {"Authorization": "Bearer abc"}
    assert auth.account() == f"the token in {file}"
    file.unlink()
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=f"source.auth: {file}"):
        auth.header()
    with pytest.raises(ValueError, match=str(file)):
        Auth(password_file=file)


async def test_another_status_is_final_and_names_the_setting(
    portal: FakePortal, client: Client
) -> None:
    portal.answer(404)
    with pytest.raises(FatalError, match=r"HTTP 404: check source\.url"):
        await client.get_json(PATH, {})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_only_its_host_is_named(
    portal: FakePortal, client: Client, status: int
) -> None:
    async with FakePortal(PATH, lambda _query, _headers: {"total": 0}) as other:
        target = other.url.replace("http://", "http://user:secret@")
        portal.answer(status, location=f"{target}{PATH}?token=secret")
        with pytest.raises(FatalError, match=f"HTTP {status}: redirected to 127") as caught:
            await client.get_json(PATH, {})

        assert "secret" not in str(caught.value)
        assert "source.auth" in str(caught.value)
        assert [] == other.requests


@pytest.mark.parametrize("status", [202, 204, 206, 500, 507, 520, 529])
async def test_a_server_that_has_failed_or_says_nothing_is_asked_again(
    portal: FakePortal, client: Client, status: int
) -> None:
    portal.answer(status)
    with pytest.raises(RetryableError, match=f"HTTP {status}"):
        await client.get_json(PATH, {})


async def test_nobody_there_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", timeout=5)
    with pytest.raises(RetryableError, match="ClientConnectorError"):
        await client.get_json(PATH, {})
    await client.close()


async def test_an_answer_that_does_not_come_is_told_with_the_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel connects, nobody answers
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)
        with pytest.raises(RetryableError, match=r"no whole answer within 0\.05 s"):
            await client.get_json(PATH, {})
        await client.close()
