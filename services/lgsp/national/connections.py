"""Connections to the national portal that are used again only while they are in order.

On a connection an answer belongs to the call that went out last. What a portal says unasked, a
second answer above all, would be taken for the answer to the next call. And a portal that closes
connections without saying so loses each call that meets it.
"""

import time
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from aiohttp.connector import Connection

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

_MANY_LOST = 3.0
_FORGOTTEN = 0.1  # of one lost answer, with each call that is answered
_NEW_FOR = 600.0  # seconds


class CleanConnections(aiohttp.TCPConnector):
    """The pool of one client; where old ones are lost too often, a new one for each call."""

    def __init__(self, **options: Any) -> None:
        # Shorter than the five seconds after which common servers close an idle one.
        super().__init__(keepalive_timeout=4, **options)
        self._seen: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()
        self._lost, self._new_until = 0.0, 0.0

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Return a connection on which nothing has come since its last answer."""
        while True:
            connection = await super().connect(*arguments, **options)
            handler = connection.protocol
            if handler is None or handler not in self._seen:
                if handler is not None:
                    self._seen.add(handler)
                return connection
            if not handler.should_close and time.monotonic() >= self._new_until:
                return connection
            if handler.should_close:
                structlog.get_logger().warning("national_answer_unasked")
            connection.close()

    def note_answered(self) -> None:
        """Note that a call was answered."""
        self._lost = max(0.0, self._lost - _FORGOTTEN)

    def note_lost(self) -> None:
        """Note that a connection was lost before the answer was whole."""
        self._lost += 1
        if self._lost >= _MANY_LOST and time.monotonic() >= self._new_until:
            self._lost, self._new_until = 0.0, time.monotonic() + _NEW_FOR
            structlog.get_logger().warning("national_connections_lost", new_for=_NEW_FOR)
