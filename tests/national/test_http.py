"""The HTTP client against servers that answer in every way HTTP/1.1 allows, and in none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from lgsp.national.http import HttpPool, Response

OK = b"HTTP/1.1 200 OK\r\n"


class Answering:
    """A server that gives one scripted answer a request; None: it closes instead."""

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self._answers = list(answers)
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self._answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self._answers.pop(0)
                if answer is None:
                    return
                writer.write(answer)
                if b"-Length" not in answer and b"chunked" not in answer:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def answering(
    *answers: bytes | None, timeout: float = 5
) -> AsyncIterator[tuple[HttpPool, Answering]]:
    server = Answering(answers)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        pool = HttpPool(f"http://127.0.0.1:{port}/base", {"dstcode": "VN:GOV"}, timeout)
        try:
            yield pool, server
        finally:
            pool.close()


async def test_keeps_the_connection_and_sends_whole_requests() -> None:
    answer = OK + b"Content-Length: 2\r\n\r\nhi"
    async with answering(answer, answer) as (pool, server):
        found = [await pool.post("/x?a=b", body) for body in (b"one", b"three")]

    assert [Response(200, b"hi", "")] * 2 == found
    assert 1 == server.connections
    first = server.requests[0]
    assert first.startswith(b"POST /x?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert first.endswith(b"dstcode: VN:GOV\r\nContent-Length: 3\r\n\r\none")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n ho\r\n0\r\n\r\n",
            Response(200, b"hi ho", ""),
        ),
        (OK + b"\r\nto the end", Response(200, b"to the end", "")),
        (
            b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
            Response(200, b"x", ""),
        ),
        (
            b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
            Response(503, b"", "7"),
        ),
    ],
)
async def test_reads_an_answer_however_it_is_framed(answer: bytes, expected: Response) -> None:
    async with answering(answer) as (pool, _):
        assert expected == await pool.post("/", b"{}")


@pytest.mark.parametrize(
    "answer", [None, b"", OK + b"Content-Length: 9\r\n\r\nhalf", b"SSH-2.0-OpenSSH\r\n"]
)
async def test_an_answer_that_is_not_whole_is_an_error(answer: bytes | None) -> None:
    async with answering(answer, timeout=0.3) as (pool, _):
        with pytest.raises((ConnectionError, TimeoutError)):
            await pool.post("/", b"{}")


async def test_a_closed_connection_is_not_used_again() -> None:
    closing = OK + b"Connection: close\r\nContent-Length: 1\r\n\r\n1"
    kept = OK + b"Content-Length: 1\r\n\r\n2"
    async with answering(closing, kept) as (pool, server):
        found = [(await pool.post("/", b"{}")).body for _ in range(2)]

    assert [b"1", b"2"] == found
    assert 2 == server.connections
