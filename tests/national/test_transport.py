"""The way to the portal: TLS, our own certificate, the proxy, and what is said when it fails."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from prometheus_client import REGISTRY

from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.national import tls_files
from lgsp.national.client import NationalClient
from lgsp.runtime.settings import Settings, load_settings
from tests.national.certificates import Authority
from tests.national.dossiers import CODE

EXPIRES = "lgsp_national_certificate_expires_timestamp_seconds"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def tls_portal(
    cert: tuple[Path, Path] | None, *, clients_of: Authority | None = None
) -> AsyncIterator[str]:
    """A portal that knows nobody's dossier, behind TLS."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error_code": "0", "session": "s", "result": []})

    context = None
    if cert is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*cert)
        if clients_of is not None:
            context.load_verify_locations(clients_of.pem)
            context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server(ssl=context)
    try:
        yield f"https://127.0.0.1:{server.port}"
    finally:
        await server.close()


async def asked(url: str, **settings: Any) -> str:
    """Ask for a dossier that nobody knows; what was said of a failure, "" for an answer."""
    async with NationalClient(Settings(national_url=url, **settings)) as client:
        try:
            assert await client.look_up(CODE) is None
        except RetryableError as error:
            return str(error)
    return ""


async def test_trusts_the_authority_that_is_set_and_tells_when_the_certificate_ends(
    authority: Authority,
) -> None:
    async with tls_portal(authority.issue("portal", days=9)) as url:
        assert "" == await asked(url, national_ca_file=authority.pem)

    ends = REGISTRY.get_sample_value(EXPIRES, {"side": "portal"}) or 0
    assert 8.9 < (ends - time.time()) / 86_400 < 9.1


async def test_an_unknown_authority_is_one_line_with_the_way_out(
    tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path, "other")
    async with tls_portal(authority.issue("portal")) as url:
        settings = Settings(national_url=url, national_ca_file=other.pem)
        with structlog.testing.capture_logs() as logs:
            async with NationalClient(settings) as client:
                said = [await _refusal(client), await _refusal(client)]

    assert said[0] == said[1]
    assert said[0].startswith("login: the certificate of 127.0.0.1 is not trusted (")
    assert said[0].endswith(
        "): set LGSP_NATIONAL_CA_FILE to a PEM file with the authority that signed it"
    )
    assert 1 == [line["event"] for line in logs].count("national_portal_not_reached")


async def _refusal(client: NationalClient) -> str:
    with pytest.raises(RetryableError) as caught:
        await client.look_up(CODE)
    return str(caught.value)


async def test_an_ended_or_a_foreign_certificate_says_so(authority: Authority) -> None:
    ended = authority.issue("ended", days=-1)
    foreign = authority.issue("foreign", of=x509.DNSName("other.invalid"))
    async with tls_portal(ended) as url:
        assert "the portal has to renew it" in await asked(url, national_ca_file=authority.pem)
    async with tls_portal(foreign) as url:
        said = await asked(url, national_ca_file=authority.pem)

    assert "LGSP_NATIONAL_URL must name the host as the certificate does" in said


async def test_shows_our_certificate_to_a_portal_that_asks_for_it(authority: Authority) -> None:
    cert, key = authority.issue("us", days=20, password=b"khoa-thu")
    ours: dict[str, Any] = {
        "national_cert_file": cert,
        "national_key_file": key,
        "national_key_password": "khoa-thu",
    }
    async with tls_portal(authority.issue("portal"), clients_of=authority) as url:
        without = await asked(url, national_ca_file=authority.pem)
        with_it = await asked(url, national_ca_file=authority.pem, **ours)

    assert "LGSP_NATIONAL_CERT_FILE" in without
    assert "" == with_it
    ends = REGISTRY.get_sample_value(EXPIRES, {"side": "client"}) or 0
    assert 19.9 < (ends - time.time()) / 86_400 < 20.1


async def test_a_renewed_certificate_is_shown_without_a_restart(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_files, "_LOOK_EVERY", 0)
    cert, key = authority.issue("us", days=-1)
    async with tls_portal(authority.issue("portal"), clients_of=authority) as url:
        settings = Settings(
            national_url=url,
            national_ca_file=authority.pem,
            national_cert_file=cert,
            national_key_file=key,
        )
        async with NationalClient(settings) as client:
            await _refusal(client)
            cert.write_text("half of it")
            with structlog.testing.capture_logs() as logs:
                await _refusal(client)
            authority.issue("us", days=20)
            assert await client.look_up(CODE) is None

    assert "national_tls_files_not_taken" in [line["event"] for line in logs]


async def test_a_portal_without_tls_says_so(authority: Authority) -> None:
    async with tls_portal(None) as url:
        said = await asked(url, national_ca_file=authority.pem)

    assert "answers without TLS" in said
    assert "LGSP_NATIONAL_URL" in said


@pytest.fixture
def broken(tmp_path: Path, authority: Authority) -> dict[str, Path]:
    none = tmp_path / "none.pem"
    none.write_text("no certificate")
    cert, key = authority.issue("us")
    locked = authority.issue("locked", password=b"x")
    return {
        "none": none,
        "absent": tmp_path / "absent.pem",
        "cert": cert,
        "key": key,
        "other": authority.issue("other")[1],
        "locked_cert": locked[0],
        "locked_key": locked[1],
    }


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ca": "none"}, "LGSP_NATIONAL_CA_FILE: .*none.pem holds no certificates in PEM"),
        ({"ca": "absent"}, "LGSP_NATIONAL_CA_FILE: .*absent.pem cannot be read: No such file"),
        ({"key": "key"}, "LGSP_NATIONAL_KEY_FILE is set without LGSP_NATIONAL_CERT_FILE"),
        ({"cert": "cert", "key": "other"}, "the key does not belong to the certificate"),
        ({"cert": "none", "key": "key"}, "are no certificate and key in PEM"),
        ({"cert": "cert"}, "are no certificate and key in PEM"),
        ({"cert": "locked_cert", "key": "locked_key"}, "locked by another password"),
    ],
)
def test_files_that_do_not_fit_are_named_at_the_start(
    broken: dict[str, Path], files: dict[str, str], said: str
) -> None:
    given: dict[str, Any] = {f"national_{k}_file": broken[name] for k, name in files.items()}
    with pytest.raises(ConfigurationError, match=said):
        NationalClient(Settings(national_url="https://portal.invalid", **given))


def test_files_for_a_portal_without_tls_are_refused(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="LGSP_NATIONAL_URL is no https:// address"):
        NationalClient(
            Settings(national_url="http://portal.invalid", national_ca_file=authority.pem)
        )


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that notes the head of each request and answers it by itself."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


async def test_goes_through_the_proxy_that_is_set() -> None:
    body = b'{"error_code": "0", "session": "s", "result": []}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    async with proxy(head + body) as (address, heads):
        said = await asked(
            "http://portal.invalid", national_proxy=f"http://lgsp:mat-khau-thu@{address}"
        )

    assert "" == said
    assert 2 == len(heads)
    assert all(h.startswith("POST http://portal.invalid/XrdAdapter/") for h in heads)
    assert all("Proxy-Authorization: Basic " in h for h in heads)


async def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with proxy(refusal) as (address, heads):
        said = await asked(
            "https://portal.invalid", national_proxy=f"http://lgsp:mat-khau-thu@{address}"
        )

    assert heads[0].startswith("CONNECT portal.invalid:443")
    assert "the proxy refuses to connect (HTTP 407): check LGSP_NATIONAL_PROXY" in said
    assert "mat-khau-thu" not in said


async def test_a_proxy_that_is_not_there_is_named(free_port: int) -> None:
    said = await asked(
        "http://portal.invalid", national_proxy=f"http://lgsp:mat-khau-thu@127.0.0.1:{free_port}"
    )

    assert f"the proxy 127.0.0.1:{free_port} does not answer: check LGSP_NATIONAL_PROXY" in said
    assert "mat-khau-thu" not in said


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        yield bound.getsockname()[1]


def test_a_wrong_proxy_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_NATIONAL_PROXY", "lgsp:mat-khau-thu@proxy:3128")
    with pytest.raises(ConfigurationError, match="LGSP_NATIONAL_PROXY") as caught:
        load_settings()

    assert "mat-khau-thu" not in str(caught.value)
