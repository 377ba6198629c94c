"""HEAD and conditional requests (RFC 9110, 9.3.2 and 13.1.2), once for all that is served."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD = "lgsp.head"
"""Key of a request's scope: only the head of the answer is wanted (an endless one may end)."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_OF_A_BODY = {b"content-length", b"content-type", b"content-encoding", b"content-range"}
_CONDITIONS = {b"if-none-match", b"if-modified-since"}


def matches(if_none_match: str, etag: str) -> bool:
    """Tell whether the header names the tag: in a list, by weak comparison, or as `*`."""
    given = if_none_match.strip()
    return given == "*" or etag.removeprefix("W/") in _TAG.findall(given)


class ConditionalApp:
    """An ASGI app that answers HEAD as GET without the body, and 304 what the client has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; those of other methods as they are."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        headers = Headers(scope=scope)
        has = ", ".join(headers.getlist("if-none-match"))
        passed = {**scope, "method": "GET", HEAD: is_head}
        if has:  # it outweighs the date, and is judged here
            kept = [pair for pair in scope["headers"] if pair[0] not in _CONDITIONS]
            passed["headers"] = kept
        bodiless = is_head

        async def answer(message: Message) -> None:
            nonlocal bodiless
            if message["type"] == "http.response.start":
                scope["route"] = passed.get("route")  # the measured time is told by route
                tag = Headers(raw=message["headers"]).get("etag")
                if has and tag and message["status"] == 200 and matches(has, tag):
                    bodiless = True
                    left = [p for p in message["headers"] if p[0].lower() not in _OF_A_BODY]
                    message = {**message, "status": 304, "headers": left}
            elif message["type"] == "http.response.body" and bodiless:
                message = {**message, "body": b""}
            await send(message)

        await self._app(passed, receive, answer)
