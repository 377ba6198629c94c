"""What a connector's tests stand on: a sink and checkpoints in memory, and a portal in-process."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Cursor, Record, part_of
from lgsp_connectors.kit.memory.met import Met
from lgsp_connectors.kit.sink import payload_of

Handler = Callable[[Mapping[str, str], Mapping[str, str]], Any]
"""Gives the JSON answer to a request: (query, headers) -> data, or the bytes of the answer."""


class MemorySink:
    """Keeps what was flushed; what was only handed over is lost, as in a crash.

    `journal` tells the order of work: send, reject, flush (and checkpoint, when shared);
    `letters` holds the records whose letters are open.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        self.events: list[DossierEvent] = []
        self.rejects: list[tuple[Record, RejectedRecord]] = []
        self.journal: list[str] = [] if journal is None else journal
        self._events: list[DossierEvent] = []
        self.letters: dict[str, Record] = {}
        self._rejects: list[tuple[Record, RejectedRecord]] = []
        self._closing: list[str] = []

    def send(self, event: DossierEvent) -> None:
        """Take one event."""
        self.journal.append("send")
        self._events.append(event)

    def reject(self, record: Record, error: RejectedRecord) -> None:
        """Take one rejected record."""
        self.journal.append("reject")
        self._rejects.append((record, error))

    def letter_of(self, record: Record) -> str:
        """Give what stands for the record's bytes, or for its place when it has none."""
        return (payload_of(record) or record.origin.encode()).hex()

    def opened(self) -> Iterable[Met]:
        """Give the letters that are open."""
        return [Met(letter, part_of(record.file)) for letter, record in self.letters.items()]

    def close(self, letters: Iterable[str]) -> int:
        """Close letters with the next flush."""
        closing = list(letters)
        self._closing += closing
        return sum(letter in self.letters for letter in closing)

    async def flush(self) -> None:
        """Keep what was taken."""
        self.journal.append("flush")
        self.events += self._events
        self.rejects += self._rejects
        self.letters |= {self.letter_of(record): record for record, _ in self._rejects}
        for letter in self._closing:
            self.letters.pop(letter, None)
        self._events, self._rejects, self._closing = [], [], []

    def ids(self) -> set[bytes]:
        """Give the ids of the kept events."""
        return {event.event_id for event in self.events}

    def codes(self) -> set[str]:
        """Give the codes of the dossiers of the kept events."""
        return {event.dossier_code for event in self.events}


class MemoryCheckpoints:
    """Keeps cursors in memory; `fail_next` makes one `store` raise, as a crash there would.

    Not the one with which a first run begins: that has nothing before it.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        self.stored: dict[str, Cursor] = {}
        self.fail_next: Exception | None = None
        self._journal: list[str] = [] if journal is None else journal

    def load(self, key: str) -> Cursor | None:
        """Give the stored cursor."""
        stored = self.stored.get(key)
        return None if stored is None else dict(stored)

    def store(self, key: str, cursor: Cursor) -> None:
        """Keep the cursor."""
        if self.fail_next is not None and key in self.stored:
            error, self.fail_next = self.fail_next, None
            raise error
        self._journal.append("checkpoint")
        self.stored[key] = dict(cursor)


class FakePortal:
    """An HTTP portal on a free loopback port; use as `async with`.

    Scripted answers (`answer`) are given first, one a request, then (or `always`) the handler's.
    """

    def __init__(self, path: str, handler: Handler) -> None:
        self._path, self._handler = path, handler
        self._script: deque[web.Response] = deque()
        self._always: Callable[[], web.Response] | None = None
        self._server: TestServer | None = None
        self.requests: list[dict[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    @property
    def url(self) -> str:
        """Address of the portal, without a path."""
        assert self._server is not None  # noqa: S101 - a misuse of the test kit
        return str(self._server.make_url("/")).rstrip("/")

    def answer(
        self, status: int, *, body: str | bytes = "", retry_after: str = "", location: str = ""
    ) -> None:
        """Script the answer to one further request."""
        self._script.append(_response(status, body, retry_after, location))

    def always(self, status: int, *, body: str | bytes = "", retry_after: str = "") -> None:
        """Answer every further request so, until `recover`."""
        self._always = lambda: _response(status, body, retry_after)

    def recover(self) -> None:
        """Go back to the handler."""
        self._always = None

    async def __aenter__(self) -> Self:
        """Start serving."""
        app = web.Application()
        app.router.add_get(self._path, self._serve)
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        if self._server is not None:
            await self._server.close()

    async def _serve(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.query))
        self.headers.append(request.headers)
        if self._script:
            return self._script.popleft()
        if self._always is not None:
            return self._always()
        data = self._handler(request.query, request.headers)
        body = data if isinstance(data, bytes) else orjson.dumps(data)
        return web.Response(body=body, content_type="application/json")


def _response(
    status: int, body: str | bytes, retry_after: str, location: str = ""
) -> web.Response:
    given = {"Retry-After": retry_after, "Location": location}
    headers = {name: text for name, text in given.items() if text}
    content = body.encode() if isinstance(body, str) else body
    return web.Response(status=status, body=content, headers=headers)
