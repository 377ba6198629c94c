"""A port of uvicorn: connections that ask or read nothing neither stay nor keep others out."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from tests.runtime.serving.junk import half_open, is_closed
from tests.waiting import wait_until

from lgsp.runtime.serving.guarded import BoundedServer, GuardedProtocol, guarded
from lgsp.runtime.serving.proxies import Proxies

BODY = b"x" * 16_000_000
STREAM = b"GET /stream HTTP/1.1\r\n\r\n"


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    """Answer `x`; /large much at once; /stream a byte, and no more until the client leaves."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = BODY if scope["path"] == "/large" else b"x"
    stream = scope["path"] == "/stream"
    await send({"type": "http.response.body", "body": body, "more_body": stream})
    while stream and (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def port(most: int = 8, most_of_one: int = 8) -> Iterator[int]:
    with serving(guarded(most, most_of_one)) as number:
        yield number


@contextmanager
def serving(protocol: type[GuardedProtocol]) -> Iterator[int]:
    config = uvicorn.Config(
        app,
        lifespan="off",
        http=protocol,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = BoundedServer(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def ask(number: int, path: str = "/") -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{number}{path}", timeout=30) as answer:
        return len(answer.read())


def test_half_open_connections_keep_nobody_out() -> None:
    with port() as number, half_open(number, 60, b"GET / HTTP/1.1\r\nX-") as clients:
        assert ask(number) == 1
        wait_until("most are dropped", lambda: sum(map(is_closed, clients)) >= 52)


def test_streams_are_kept_and_one_too_many_is_refused() -> None:
    with port(most=4, most_of_one=4) as number:
        with half_open(number, 4, STREAM) as streams:
            for stream in streams:
                assert stream.recv(100).startswith(b"HTTP/1.1 200")
            with socket.create_connection(("127.0.0.1", number), 10) as late:
                assert late.recv(100).startswith(b"HTTP/1.1 503")
            assert not any(is_closed(stream) for stream in streams)
        wait_until("there is room again", lambda: _answers(number))


def test_half_a_request_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgsp.runtime.serving.guarded._ASKS_WITHIN", 0.3)
    monkeypatch.setattr("lgsp.runtime.serving.guarded._LOOK_EVERY", 0.05)
    with port() as number, half_open(number, 1, STREAM) as [stream]:
        with half_open(number, 1, b"GET / HT") as [half], half_open(number, 1, b"") as [none]:
            wait_until("both are dropped", lambda: is_closed(half) and is_closed(none))
        assert stream.recv(100).startswith(b"HTTP/1.1 200")
        assert not is_closed(stream)


def test_who_reads_no_answer_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgsp.runtime.serving.guarded._READS_WITHIN", 0.3)
    monkeypatch.setattr("lgsp.runtime.serving.guarded._LOOK_EVERY", 0.05)
    protocol = guarded(8, 8)
    with serving(protocol) as number:
        with half_open(number, 1, b"GET /large HTTP/1.1\r\n\r\n") as [deaf]:
            wait_until("it has asked", lambda: len(protocol.held) == 1)
            wait_until("its answer is given up", lambda: not len(protocol.held))
            with deaf.makefile("rb") as answer:
                assert len(answer.read()) < len(BODY)
        assert ask(number, "/large") == len(BODY)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET / HTTP/1.1\r\n", b"X: 1\r\n"),
        (b"GET / HTTP/1.1\r\nX: ", b"1"),
        (b"GET /", b"1"),
        (b"GET / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", b"1"),
        (b"GET /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x=1;"),
    ],
)
def test_a_request_without_end_is_cut(begin: bytes, more: bytes) -> None:
    part = more * (100_000 // len(more)) * 400  # far more than a system keeps for a reader
    with port() as number, half_open(number, 1, begin) as [client]:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            client.sendall(part)
        assert ask(number) == 1


def test_a_long_request_is_answered_and_many_on_one_connection_are() -> None:
    long = b"GET /?" + b"q=1&" * 15_000 + b" HTTP/1.1\r\n\r\n"
    with port() as number, half_open(number, 1, long * 3) as [client]:
        client.settimeout(30)
        said = b""
        while said.count(b"HTTP/1.1 200") < 3:
            part = client.recv(65_536)
            assert part
            said += part


def test_a_proxy_is_not_one_client() -> None:
    protocol = guarded(3, 1, Proxies("127.0.0.1"))
    with serving(protocol) as number, half_open(number, 3, STREAM) as streams:
        for stream in streams:
            assert stream.recv(100).startswith(b"HTTP/1.1 200")


SCRIPT = """
import asyncio, time, uvicorn
from lgsp.runtime.serving.guarded import BoundedServer, guarded
from lgsp.runtime.stopping.ending import LastResort
async def app(scope, receive, send):
    print("asked", flush=True)
    await asyncio.to_thread(time.sleep, 60)
config = uvicorn.Config(
    app, port=0, lifespan="off", http=guarded(9, 9), timeout_graceful_shutdown=0.1, log_config=None
)
class Told(BoundedServer):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)
Told(config, last_resort=LastResort(), within=1).run()
"""


def test_a_server_ends_by_its_bound_while_an_answer_hangs_in_a_thread() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            number = int(process.stdout.readline())
            with half_open(number, 1, b"GET / HTTP/1.1\r\n\r\n"):
                assert process.stdout.readline() == "asked\n"
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 1
        finally:
            process.kill()


def _answers(number: int) -> bool:
    try:
        return ask(number) == 1
    except OSError:
        return False
