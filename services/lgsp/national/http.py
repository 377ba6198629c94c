"""HTTP/1.1 as the portal needs it: POST over kept connections, one request at a time on each.

A third of a general client's CPU, and there are two calls for each dossier of a province. What
matters to the caller is told apart: a request that was certainly not sent, and one whose answer
did not come.
"""

import asyncio
import ssl
import time
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from lgsp.domain.errors import RetryableError

_CONNECT_WITHIN = 10.0
_IDLE_FOR = 15.0  # seconds; servers close idle connections, and a request might just miss that


class Response(NamedTuple):
    """A whole answer; `retry_after` as sent, "" when it was not."""

    status: int
    body: bytes
    retry_after: str


class HttpPool:
    """Connections to one server, opened as they are needed; in one event loop.

    Args:
        origin: https://host[:port] or http://…; a path there is left out.
        headers: sent with each request.
        timeout: seconds for one request and its answer.
    """

    def __init__(self, origin: str, headers: dict[str, str], timeout: float) -> None:
        url = urlsplit(origin)
        secure = url.scheme == "https"
        self._host, self._port = url.hostname or "", url.port or (443 if secure else 80)
        self._tls = ssl.create_default_context() if secure else None
        address = url.netloc.rpartition("@")[2]
        lines = [f"{name}: {value}\r\n" for name, value in {"Host": address, **headers}.items()]
        self._head = "".join(lines).encode("latin-1")
        self._timeout = timeout
        self._idle: list[_Connection] = []

    async def post(self, target: str, body: bytes) -> Response:
        """Send `body` to the path and query `target`.

        Raises:
            RetryableError: no connection, so nothing was sent.
            OSError: no (whole) answer; whether the request arrived is not known. TimeoutError too.
        """
        head = b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n"
        request = head % (target.encode("latin-1"), self._head, len(body)) + body
        connection = self._kept() or await self._connect()
        try:
            async with asyncio.timeout(self._timeout):
                response = await connection.send(request)
        except BaseException:
            connection.close()
            raise
        if not connection.closed:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        return response

    def close(self) -> None:
        """Close the connections that are not in use."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and time.monotonic() - connection.idle_since < _IDLE_FOR:
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(min(_CONNECT_WITHIN, self._timeout)):
                _, connection = await loop.create_connection(
                    _Connection, self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            text = str(error) or type(error).__name__
            raise RetryableError(f"cannot connect to {self._host}:{self._port}: {text}") from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection; also what its parser calls back."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.closed = False
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._body = bytearray()
        self._retry_after = ""
        self._to_the_end = False  # the body ends where the connection does

    def send(self, request: bytes) -> asyncio.Future[Response]:
        """Send a request; the future is its answer, or the OSError that came instead."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Close at once; what is under way fails."""
        self.closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionError(f"the answer is not HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._to_the_end and exc is None:
            self.on_message_complete()
        self._fail(exc or ConnectionResetError("the connection ended before the answer"))

    def on_message_begin(self) -> None:
        self._body.clear()
        self._retry_after, self._to_the_end = "", True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in {b"content-length", b"transfer-encoding"}:
            self._to_the_end = False
        elif name == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._to_the_end = False
        status = self._parser.get_status_code()
        if status < 200:  # only a notice, the answer follows
            return
        answer, self._answer = self._answer, None
        if answer is None or not self._parser.should_keep_alive():
            self.close()
        if answer is not None and not answer.done():
            answer.set_result(Response(status, bytes(self._body), self._retry_after))

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
        if not self.closed:
            self.close()
