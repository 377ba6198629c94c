"""The two call paths of transport A as a plain ASGI application, with the scripted faults.

Plain ASGI because it is the hot path: no routing tables, no request models between the bytes and
the portal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lgsp.mocks.national.faults import FaultScript, ScriptedFault
from lgsp.mocks.national.portal import LOGIN, Portal, PortalAnswer, dossier_of
from lgsp.runtime import metrics

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_TRANSPORT = "lgsp.transport"
_JSON = (b"content-type", b"application/json; charset=utf-8")
_HTML = (b"content-type", b"text/html; charset=utf-8")
_LOGIN_PAGE = "<html><body><h1>Đăng nhập hệ thống</h1></body></html>".encode()
_SERVICES = frozenset(
    {
        LOGIN,
        "TraCuuHoSo",
        "LayThuTuc",
        "LayDanhSachTTHC",
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
    }
)


class DroppableProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, which also lets the application cut its connection."""

    def on_message_begin(self) -> None:
        """Put the transport into the scope of the request."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: self.transport}  # type: ignore[dict-item]


class Calls:
    """Answers logins and service calls.

    Args:
        portal: the rules.
        script: the faults to meet.
        dstcode: address that the caller must name, in the query or a header; "" for any.
    """

    def __init__(self, portal: Portal, script: FaultScript, dstcode: str = "") -> None:
        self._portal = portal
        self._script = script
        self._dstcode = dstcode
        self._counters = {
            (service, code): metrics.MOCK_CALLS.labels(service, code)
            for service in (*_SERVICES, "other")
            for code in ("0", "error", "fault")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work on one request."""
        raw = await _body(receive)
        if raw is None:
            return
        if not self._addressed(scope["query_string"], scope["headers"]):
            await _send(send, 400, orjson.dumps({"error_code": "-1", "message": "Sai dstcode"}))
            return
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        login = scope["path"].endswith("/login")
        service = LOGIN if login else str(body.get("service")) if isinstance(body, dict) else ""
        fault = self._script.next(service, dossier_of(body))
        if fault is None:
            answer = await self._work(body, login=login, fault="")
            self._count(service, _outcome(answer))
            await _send(send, 200, answer.body())
        else:
            self._count(service, "fault")
            await self._fail(fault, body, login, scope, receive, send)

    async def _work(self, body: object, *, login: bool, fault: str) -> PortalAnswer:
        portal = self._portal
        answer = portal.login(body) if login else portal.call(body)
        portal.log(None if login else body, answer, fault=fault)
        await portal.store.committed()
        return answer

    async def _fail(
        self,
        fault: ScriptedFault,
        body: object,
        login: bool,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.expire_session:
            self._portal.expire_sessions()
        if fault.http or fault.html or fault.error_code or fault.drop == "before":
            said = PortalAnswer(fault.error_code, fault.message) if fault.error_code else None
            self._portal.log(None if login else body, said, fault=fault.name)
            await self._portal.store.committed()
            if fault.http:
                advice = fault.retry_after
                extra = [] if advice is None else [(b"retry-after", f"{advice:g}".encode())]
                await _send(send, fault.http, b'{"error":"scripted"}', [_JSON, *extra])
            elif fault.html:
                await _send(send, 200, _LOGIN_PAGE, [_HTML])
            elif said:
                await _send(send, 200, said.body())
            else:
                await _cut(scope, receive)
            return
        answer = await self._work(body, login=login, fault=fault.name)
        if fault.drop:
            await _cut(scope, receive)
        elif fault.truncate:
            full = answer.body()
            await _start(send, 200, len(full), [_JSON])
            half = full[: len(full) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await _cut(scope, receive, gracefully=True)
        else:
            await _send(send, 200, answer.body())

    def _addressed(self, query: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        if not self._dstcode or self._dstcode in _dstcodes(query):
            return True
        return (b"dstcode", self._dstcode.encode("latin-1")) in headers

    def _count(self, service: str, code: str) -> None:
        self._counters[service if service in _SERVICES else "other", code].inc()


@lru_cache(64)
def _dstcodes(query: bytes) -> frozenset[str]:
    return frozenset(parse_qs(query.decode("latin-1")).get("dstcode", ()))


def _outcome(answer: PortalAnswer) -> str:
    return "0" if answer.error_code == "0" else "error"


async def _body(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _start(send: Send, status: int, length: int, headers: list[tuple[bytes, bytes]]) -> None:
    every = [*headers, (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": every})


async def _send(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    await _start(send, status, len(body), headers or [_JSON])
    await send({"type": "http.response.body", "body": body})


async def _cut(scope: Scope, receive: Receive, *, gracefully: bool = False) -> None:
    """Close the connection without a (whole) answer and wait until it is closed."""
    transport = scope["extensions"][_TRANSPORT]
    if gracefully:
        transport.close()  # what was written goes out first
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
