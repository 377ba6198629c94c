"""A portal that does as it likes with its sockets: the mock's rules, and the test's answers.

Only what the scripted faults of the mock cannot say: two answers, none, words of a gateway.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lgsp.mocks.national.portal import Portal
from lgsp.mocks.national.store import PortalStore
from lgsp.runtime.clock import now_ms
from lgsp.runtime.settings import Settings

SAVE, PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"


@dataclass
class Call:
    """One request as it came; `headers` with names in lower case."""

    service: str
    body: dict[str, Any]
    headers: dict[str, str]
    writer: asyncio.StreamWriter

    @property
    def code(self) -> str:
        """The dossier it is about, "" for none."""
        data = self.body.get("data") or [{}]
        return str(self.body.get("mahoso") or data[0].get("MaHoSo", ""))


@dataclass
class Wilful:
    """The running portal: its rules, its address, and what it was asked."""

    portal: Portal
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def rightly(self, call: Call) -> bytes:
        """Work on a call and give the right answer."""
        answer = (self.portal.login if call.service == "login" else self.portal.call)(call.body)
        return http(answer.body())

    def steps(self, code: str) -> list[str]:
        """Return the statuses of a dossier's steps, in order of their time."""
        return [step["TrangThai"] for step in self.portal.store.steps(code)]

    def settings(self, **changes: Any) -> Settings:
        """Return settings that lead here."""
        given = {"national_retry_longest": 0.2, "national_timeout": 20, "national_read_back": 0}
        return Settings(national_url=self.url, **{**given, **changes})


Answer = Callable[[Wilful, Call], Awaitable[bytes | None]]
"""Gives the bytes to send for a call; None: the connection is closed."""


def http(body: bytes, status: int = 200, *headers: str) -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def said(code: str, message: str, **more: Any) -> bytes:
    """Return an answer of the contract's form."""
    return http(orjson.dumps({"error_code": code, "message": message, **more}))


@asynccontextmanager
async def wilful(folder: Path, answer: Answer) -> AsyncIterator[Wilful]:
    """Serve on a free port of this machine."""
    store = PortalStore(folder / "wilful.db")
    running = Wilful(Portal(store=store, clock=now_ms))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while (call := await _read(reader, writer)) is not None:
                running.asked[call.service] += 1
                given = await answer(running, call)
                if given is None:
                    break
                writer.write(given)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()
        store.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = (line.partition(":") for line in head[1:] if ":" in line)
    headers = {name.lower(): value.strip() for name, _, value in named}
    body = orjson.loads(await reader.readexactly(int(headers["content-length"])))
    service = "login" if "/login?" in head[0] else str(body.get("service"))
    return Call(service, body, headers, writer)
