"""Junk on a health server's port: no thread, no memory, no probe kept out."""

import socket
import threading

import pytest
from tests.runtime.serving.junk import half_open, is_closed
from tests.runtime.test_health import get
from tests.waiting import wait_until

from lgsp.runtime.health import serve_health


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-", b"\0" * 100])
def test_half_open_connections_cost_no_thread_and_keep_no_probe_out(said: bytes) -> None:
    server = serve_health("127.0.0.1", 0, lambda: {})
    try:
        before = threading.active_count()
        with half_open(server.port, 300, said) as clients:
            assert get(server.port, "/healthz")[0] == get(server.port, "/readyz")[0] == 200
            assert threading.active_count() == before
            held = sum(not is_closed(client) for client in clients)
            assert held <= 64
    finally:
        server.close()


def test_clients_that_read_no_answer_keep_no_probe_out() -> None:
    server = serve_health("127.0.0.1", 0, lambda: {})
    try:
        with half_open(server.port, 200, b"GET /metrics HTTP/1.1\r\n\r\n"):
            assert get(server.port, "/healthz")[0] == 200
    finally:
        server.close()


def test_half_a_request_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgsp.runtime.serving.probes._WITHIN", 0.3)
    server = serve_health("127.0.0.1", 0, lambda: {})
    try:
        with half_open(server.port, 1, b"GET /healthz HT") as [client]:
            wait_until("it is dropped", lambda: is_closed(client))
    finally:
        server.close()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"HEAD /healthz HTTP/1.1\r\n\r\n", b"200"),
        (b"POST /healthz HTTP/1.1\r\n\r\n", b"405"),
        (b"\x16\x03\x01\xff\r\n\r\n", b"400"),
        (b"GET / " + b"x" * 20_000, b"400"),
    ],
)
def test_whatever_is_asked_gets_one_answer(asked: bytes, status: bytes) -> None:
    server = serve_health("127.0.0.1", 0, lambda: {})
    try:
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(asked)
            answer = client.makefile("rb").read()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] == status
        assert bool(body) is not asked.startswith(b"HEAD")
    finally:
        server.close()
