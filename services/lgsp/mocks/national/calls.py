"""The two call paths of transport A as a plain ASGI application, with the scripted faults.

Plain ASGI because it is the hot path: no routing tables, no request models between the bytes and
the portal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from urllib.parse import parse_qs

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lgsp.mocks.national.faults import FaultScript
from lgsp.mocks.national.playing import (
    TRANSPORT,
    Receive,
    Scope,
    Send,
    answer_to,
    send_answer,
    send_body,
)
from lgsp.mocks.national.portal import LOGIN, Portal, PortalAnswer, dossier_of, statuses_of
from lgsp.runtime import metrics

App = Callable[[Scope, Receive, Send], Awaitable[None]]

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
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


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
        portal = self._portal
        raw = await _body(receive)
        if raw is None:
            return
        if not self._addressed(scope["query_string"], scope["headers"]):
            await send_body(
                send, 400, orjson.dumps({"error_code": "-1", "message": "Sai dstcode"})
            )
            return
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        login = scope["path"].endswith("/login")
        service = LOGIN if login else str(body.get("service")) if isinstance(body, dict) else ""
        fault = self._script.next(service, dossier_of(body), statuses_of(body))
        if fault is None:
            answer = portal.login(body) if login else portal.call(body)
            await self._commit(body, answer, login=login)
            self._count(service, _outcome(answer))
            await send_body(send, 200, answer.body())
            return
        self._count(service, "fault")
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.expire_session:
            portal.expire_sessions()
        worked_on = login and fault.is_worked_on
        said = portal.login(body) if worked_on else answer_to(portal, body, fault)
        await self._commit(body, said, login=login, fault=fault.name)
        await send_answer(fault, said, scope, receive, send)

    async def _commit(
        self, body: object, answer: PortalAnswer | None, *, login: bool, fault: str = ""
    ) -> None:
        self._portal.log(None if login else body, answer, fault=fault)
        await self._portal.store.committed()

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
