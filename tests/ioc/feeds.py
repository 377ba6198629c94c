"""A real feed on a free port, on a thread of its own, and a small client."""

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from lgsp.ioc.feed import make_app
from lgsp.ioc.serve import make_server
from lgsp.runtime.serving.proxies import Proxies
from lgsp.store.figures.answers import Figures


@dataclass
class Feed:
    """A running feed."""

    port: int

    @property
    def url(self) -> str:
        """Its root URL, without the slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (lower-case names) and body."""
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, _lower(answer.headers.items()), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers.items()), error.read()

    def head_or_get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Do the same, but read only the head of a stream that is not refused."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = _lower(answer.getheaders())
        endless = headers["content-type"].startswith("text/event-stream")
        body = b"" if endless else answer.read()
        answer.close()
        connection.close()
        return answer.status, headers, body

    def json(self, path: str) -> Any:
        """Return the JSON of a path that must answer 200."""
        status, _headers, body = self.get(path)
        assert status == 200, body
        return json.loads(body)

    @contextmanager
    def stream(self, path: str, **headers: str) -> Iterator["Events"]:
        """Follow a stream of server-sent events."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        try:
            yield Events(answer)
        finally:
            answer.close()
            connection.close()


class Events:
    """The events of a stream, one at a time."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.answer = answer

    def next(self) -> dict[str, str] | None:
        """Return the fields of the next event; None at the end of the stream."""
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if not text and fields:
                return fields
            name, _, value = text.partition(": ")
            if name:
                fields[name] = value
        return None


@contextmanager
def running(
    figures: Figures, now: int | Callable[[], int], proxies: str = "", **options: float
) -> Iterator[Feed]:
    """Serve the figures at a fixed instant or a clock's; looks at the store ten times a second."""
    clock = now if callable(now) else lambda: now
    app, end_streams = make_app(figures, clock, every=0.1, **options)
    server = make_server(app, end_streams, proxies=Proxies(proxies))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield Feed(listener.getsockname()[1])
    finally:
        server.handle_exit(15, None)
        thread.join(timeout=10)
        assert not thread.is_alive()
        listener.close()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
