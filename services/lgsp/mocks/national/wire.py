"""The mock's HTTP connections: uvicorn's, with a short cut for the usual call.

A call that arrives whole, with nothing unusual about it, is answered here in one write: no task,
no ASGI messages. Everything else takes uvicorn's way through the application, with the same rules
behind it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT = "lgsp.transport"
"""Extension of the scope that holds the connection's transport."""

QuickAnswer = Callable[[bytes, bytes], tuple[bytes, "asyncio.Future[None]"]]
"""From target and body to the answer's JSON, and the future of its commit."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)(?:\r|$)")
_UNUSUAL = re.compile(rb"\r\n(?:expect|transfer-encoding|connection|upgrade):")
_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n"


def usual_call(data: bytes) -> tuple[bytes, bytes] | None:
    """Return target and body when `data` is one whole plain POST, else None."""
    head, _, body = data.partition(b"\r\n\r\n")
    request, _, headers = head.partition(b"\r\n")
    words = request.split(b" ")
    if len(words) != 3 or words[0] != b"POST" or words[2] != b"HTTP/1.1":
        return None
    headers = b"\r\n" + headers.lower()
    length = _LENGTH.search(headers)
    if length is None or int(length[1]) != len(body) or _UNUSUAL.search(headers):
        return None
    return words[1], body


class CallProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, with the short cut; the application may cut its connection.

    The short cut is the application's attribute `quick`, a QuickAnswer that gives None for what
    it leaves to the application.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._quick = getattr(self.config.app, "quick", None)
        self._answering = self._ending = False
        self._early = b""  # came before the answer to what was before it

    def data_received(self, data: bytes) -> None:
        """Answer a usual call, leave everything else to uvicorn."""
        if self._answering:
            self._early += data
            return
        idle = self.cycle is None or self.cycle.response_complete
        call = usual_call(data) if self._quick is not None and idle else None
        answer = self._quick(*call) if call is not None and self._quick is not None else None
        if answer is None:
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        self._answering = True
        body, committed = answer
        committed.add_done_callback(lambda done: self._write(body, done))

    def _write(self, body: bytes, committed: "asyncio.Future[None]") -> None:
        self._answering = False
        if committed.cancelled() or committed.exception() or self.transport.is_closing():
            self.transport.abort()
            return
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (_OK, len(body), body))
        if self._ending:
            self.transport.close()
            return
        self.on_response_complete()
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def shutdown(self) -> None:
        """Close once what was asked is answered."""
        if self._answering:
            self._ending = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Put the transport into the scope of the request."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]
