"""Plays a scripted fault: what the portal answers instead, and how it leaves the machine."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lgsp.mocks.national.faults import ScriptedFault
from lgsp.mocks.national.portal import Portal, PortalAnswer, dossier_of, status_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

TRANSPORT = "lgsp.transport"
_JSON: Header = (b"content-type", b"application/json; charset=utf-8")
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_LOGIN_PAGE = "<html><body><h1>Đăng nhập hệ thống</h1></body></html>".encode()
_KEPT_NOT = "Cập nhật thành công"


def answer_to(portal: Portal, body: object, fault: ScriptedFault) -> PortalAnswer | None:
    """Work on a call as the fault lets the portal; None: it is not worked on and nothing said.

    The caller logs the call and commits the store.
    """
    if fault.not_kept:
        return PortalAnswer(portal.codes.ok, _KEPT_NOT)
    if fault.needs_step and not _has_step(portal, body, fault.needs_step):
        message = f"Thiếu bước xử lý trước đó: {fault.needs_step}"
        return PortalAnswer(fault.error_code or portal.codes.invalid, message)
    if fault.by_item and isinstance(body, dict):
        return _by_item(portal, body, fault)
    if not fault.is_worked_on:
        said = fault.error_code
        return PortalAnswer(said, fault.message, fault.result) if said else None
    answer = portal.call(body)
    if fault.hide_steps and answer.result:
        rows = [{k: v for k, v in r.items() if k != "DanhSachTienDo"} for r in answer.result]
        return answer._replace(result=rows)
    return answer


async def send_answer(
    fault: ScriptedFault, answer: PortalAnswer | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send what the fault makes of the answer."""
    await asyncio.sleep(fault.hold)
    if fault.http:
        advice = {b"retry-after": fault.retry_after, b"location": fault.location or None}
        extra = [(name, text.encode()) for name, text in advice.items() if text is not None]
        await send_body(send, fault.http, b'{"error":"scripted"}', [_JSON, *extra])
    elif fault.drop:
        await _cut(scope, receive)
    elif fault.html:
        await send_body(send, 200, _LOGIN_PAGE, [_HTML])
    elif fault.body is not None:
        await _send_as_it_is(send, fault)
    elif fault.truncate and answer is not None:
        full = answer.body()
        await _start(send, 200, len(full), [_JSON])
        half = full[: len(full) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _cut(scope, receive, gracefully=True)
    elif answer is not None:
        await send_body(send, 200, answer.body())


async def send_body(
    send: Send, status: int, body: bytes, headers: list[Header] | None = None
) -> None:
    """Send a whole answer."""
    await _start(send, status, len(body), headers or [_JSON])
    await send({"type": "http.response.body", "body": body})


async def _send_as_it_is(send: Send, fault: ScriptedFault) -> None:
    body = (fault.body or "").encode(fault.charset)
    await _start(send, 200, len(body) + fault.fill, [_JSON])
    last = body[-1:]
    for part in [body[:-1]] if not fault.drip else [bytes([b]) for b in body[:-1]]:
        await asyncio.sleep(fault.drip)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    for _ in range(fault.fill >> 16):
        await send({"type": "http.response.body", "body": b" " * (1 << 16), "more_body": True})
    rest = b" " * (fault.fill & 0xFFFF)
    await send({"type": "http.response.body", "body": rest + last})


def _by_item(portal: Portal, body: dict[str, Any], fault: ScriptedFault) -> PortalAnswer:
    """Work on each item by itself, refuse those of one status, and tell of each."""
    rows = []
    for item in body["data"]:
        if status_of(item) == fault.by_item:
            answer = PortalAnswer(fault.error_code, fault.message)
        else:
            answer = portal.call(body | {"data": [item]})
        rows.append({"error_code": answer.error_code, "message": answer.message})
    return PortalAnswer(portal.codes.ok, "Đã xử lý", rows)


def _has_step(portal: Portal, body: object, status: str) -> bool:
    return any(step["TrangThai"] == status for step in portal.store.steps(dossier_of(body)))


async def _start(send: Send, status: int, length: int, headers: list[Header]) -> None:
    every = [*headers, (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": every})


async def _cut(scope: Scope, receive: Receive, *, gracefully: bool = False) -> None:
    """Close the connection without a (whole) answer and wait until it is closed."""
    transport = scope["extensions"][TRANSPORT]
    if gracefully:
        transport.close()  # what was written goes out first
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
