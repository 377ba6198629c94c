"""The short cut of the mock's connections answers as the long way does, and in order."""

import asyncio
from pathlib import Path

import orjson
import pytest

from lgsp.mocks.national.wire import usual_call
from tests.national.harness import CALL, RunningPortal, running_portal


def request(session: str, code: str, *more: str) -> bytes:
    body = orjson.dumps(
        {"session": session, "madonvi": "H37", "service": "TraCuuHoSo", "mahoso": code}
    )
    lines = (f"POST {CALL} HTTP/1.1", "Host: mock", f"Content-Length: {len(body)}", *more, "", "")
    return "\r\n".join(lines).encode() + body


async def answers(portal: RunningPortal, pieces: list[bytes], count: int) -> list[str]:
    """Send the pieces one by one; return the error codes of `count` answers, in order."""
    host, port = portal.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    found = []
    for _ in range(count):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(orjson.loads(await reader.readexactly(length))["error_code"])
    writer.close()
    return found


async def test_answers_requests_in_order_however_they_arrive(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        good = request(await portal.session(), "H37.1-240105-0001")
        bad = request("gone", "H37.1-240105-0001")
        unusual = request("gone", "H37.1-240105-0001", "Connection: keep-alive")

        assert ["0", "1"] == await answers(portal, [good, bad], 2)
        assert ["1", "0"] == await answers(portal, [bad + good], 2)
        assert ["0"] == await answers(portal, [good[:40], good[40:]], 1)
        assert ["1", "0", "1"] == await answers(portal, [unusual, good, unusual], 3)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Len",
        b"",
    ],
)
def test_leaves_what_is_not_one_whole_plain_call(data: bytes) -> None:
    assert usual_call(data) is None


def test_takes_a_whole_plain_call() -> None:
    data = b"POST /x?a HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: 2\r\n\r\nab"
    assert (b"/x?a", b"ab") == usual_call(data)
