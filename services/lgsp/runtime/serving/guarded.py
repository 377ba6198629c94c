"""Uvicorn's side of a bounded port: places for connections, limits in time, a stop that ends.

Uvicorn itself waits for ever for the rest of a request, keeps as many headers as a client sends,
and waits for a client that reads no answer.
"""

import asyncio
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lgsp.runtime.serving.limits import Connections
from lgsp.runtime.serving.proxies import Proxies
from lgsp.runtime.stopping.ending import LastResort
from lgsp.runtime.supervision.systemd import notify_ready, notify_stopping, prove_life

_ASKS_WITHIN = 10.0  # seconds for a whole request, from the connection or the answer before
_READS_WITHIN = 60.0  # seconds in which a client must take at least some of what waits for it
_LOOK_EVERY = 5.0
_LONGEST = 131_072  # bytes of a request: 32 questions of a stream, escaped, and some more
_END = b"Content-Length: 0\r\nConnection: close\r\n\r\n"
_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" + _END
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _END


class _Seat:
    """What the limits see of a connection."""

    def __init__(self, protocol: "GuardedProtocol") -> None:
        self._protocol = protocol
        address = protocol.client[0] if protocol.client else ""
        self.client = "" if address in protocol.proxies else address

    @property
    def answering(self) -> bool:
        """Whether an answer is under way; a stream is one as long as it lasts."""
        cycle = self._protocol.cycle
        return cycle is not None and not cycle.response_complete

    def drop(self) -> None:
        """Close at once."""
        self._protocol.transport.abort()


class GuardedProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol with a place among `held`, which a subclass names."""

    held: Connections
    proxies = Proxies()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or be refused."""
        super().connection_made(transport)
        self._place = _Seat(self)
        self._moved, self._unread, self._said = time.monotonic(), 0, 0
        self._timer = self.loop.call_later(_LOOK_EVERY, self._look)
        if not self.held.admit(self._place):
            transport.write(_REFUSAL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Read on, unless what is asked has no end: a head, a body or what follows its pieces."""
        self._said += len(data)
        super().data_received(data)
        if self._said > _LONGEST and not self.transport.is_closing():
            if self._place.answering:
                self._place.drop()
            else:
                self.transport.write(_TOO_LONG)
                self.transport.close()

    def on_message_complete(self) -> None:
        """Note a whole request."""
        super().on_message_complete()
        self._said = 0
        self.held.asked(self._place)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place free."""
        self._timer.cancel()
        self.held.leave(self._place)
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close a connection on which nothing has moved for too long."""
        now, unread = time.monotonic(), self.transport.get_write_buffer_size()
        answering = self._place.answering
        if unread < self._unread or (answering and not unread):
            self._moved = now
        self._unread = unread
        if now - self._moved > (_READS_WITHIN if answering or unread else _ASKS_WITHIN):
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(_LOOK_EVERY, self._look)


def guarded(most: int, most_of_one: int, proxies: Proxies | None = None) -> type[GuardedProtocol]:
    """Return the protocol (uvicorn's `http`) of one port.

    Args:
        most: connections at once.
        most_of_one: at once of one client.
        proxies: they are not one client; any other proxy is.
    """
    of_port = {"held": Connections(most, most_of_one), "proxies": proxies or Proxies()}
    return type("Guarded", (GuardedProtocol,), of_port)


class BoundedServer(uvicorn.Server):
    """Uvicorn's server that ends by its bound after SIGTERM, with code 0 when all went in order.

    Args:
        config: uvicorn's.
        last_resort: ends the process when it has not ended by itself; None: a caller's own.
        within: seconds from the signal on until then.
        on_stop: called at once, in the signal's handler.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        last_resort: LastResort | None = None,
        within: float = 15.0,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._last_resort, self._within, self._on_stop = last_resort, within, on_stop

    async def serve(self, sockets: list[Any] | None = None) -> None:
        """Serve, and tell systemd that we do."""
        life = asyncio.create_task(prove_life(lambda: True))
        notify_ready()
        try:
            await super().serve(sockets)
        finally:
            life.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in good order; a second signal waits for no answer any more."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self._last_resort is not None:
            self._last_resort.exit_within(self._within)
        notify_stopping()
        self._on_stop()
