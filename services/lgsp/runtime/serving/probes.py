"""One connection of a health server: one request, one answer, closed; by its bound, or dropped."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from lgsp.runtime.serving.limits import Connections

_WITHIN = 10.0  # seconds, from the connection to the last byte that the client has read
_LONGEST_HEAD = 16_384  # bytes
_END = b"\r\n\r\n"


class Reply(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"

    def encode(self, *, body: bool = True) -> bytes:
        """Give it as it stands on the wire; the connection closes behind it."""
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"Content-Type: {self.kind}\r\n"
            f"Content-Length: {len(self.body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + (self.body if body else b"")


_NOT_GET = Reply(405, b"GET only\n")
_NO_HTTP = Reply(400, b"no HTTP request\n")


class Probe(asyncio.Protocol):
    """One connection.

    Args:
        connections: those of the port.
        answer: gives the answer for a path; quick, for it runs on the loop.
    """

    answering = False  # an answer takes no time: what is left of one waits for a slow reader

    def __init__(self, connections: Connections, answer: Callable[[str], Reply]) -> None:
        self._connections, self._answer_for = connections, answer
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle
        self._head = b""
        self._answered = False
        self.client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place; another one makes room for it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream server
        self._transport = transport
        self.client = str((transport.get_extra_info("peername") or ("",))[0])
        self._timer = asyncio.get_running_loop().call_later(_WITHIN, self.drop)
        self._connections.admit(self)

    def data_received(self, data: bytes) -> None:
        """Reply once the head of a request is whole."""
        if self._answered:
            return
        self._head += data
        if _END in self._head:
            self._connections.asked(self)
            self._send(self._answer())
        elif len(self._head) > _LONGEST_HEAD:
            self._send(_NO_HTTP)

    def connection_lost(self, _error: Exception | None) -> None:
        """Give the place free."""
        self._timer.cancel()
        self._connections.leave(self)

    def drop(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _answer(self) -> Reply:
        method, _, rest = self._head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1."):
            return _NO_HTTP
        if method not in {"GET", "HEAD"}:
            return _NOT_GET
        return self._answer_for(path.partition("?")[0])

    def _send(self, answer: Reply) -> None:
        self._answered = True
        self._transport.write(answer.encode(body=not self._head.startswith(b"HEAD ")))
        self._transport.close()
