"""What every answer of the feed has: safe headers and a measured time."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lgsp.runtime import metrics

_HEADERS = (
    # Nothing from elsewhere, nothing inline: the page is files of our own.
    (
        b"content-security-policy",
        b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none';"
        b" frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_KEPT = {200, 206, 304}
# Proxies that pack what passes hold a stream back until there is enough to pack.
_OF_STREAM = (b"cache-control", b"no-store, no-transform")
_PROBES = {"/healthz", "/readyz", "/metrics"}


class ObservedApp:
    """An ASGI app that adds the headers and observes `lgsp_feed_request_seconds`.

    Args:
        app: what answers.
        page: which files the page is of; the page is told, to notice that it is another's.
    """

    def __init__(self, app: ASGIApp, page: str) -> None:
        self._app, self._page = app, (b"lgsp-page", page.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream counts until its first byte."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                route, status = _route(scope), message["status"]
                if _is_stream(headers):
                    headers = [h for h in headers if h[0] != b"cache-control"] + [_OF_STREAM]
                elif not any(name == b"cache-control" for name, _value in headers):
                    # What is kept is asked about each time; an error or a probe is not kept.
                    kept = status in _KEPT and route not in _PROBES
                    headers.append((b"cache-control", b"no-cache" if kept else b"no-store"))
                if status == 405:
                    headers = [h for h in headers if h[0] != b"allow"] + [(b"allow", b"GET, HEAD")]
                if _is_of_page(scope):
                    headers += [(b"connection", b"close"), self._page]
                message["headers"] = headers
                metrics.FEED_SECONDS.labels(route, str(status)).observe(
                    time.perf_counter() - began
                )
            await send(message)

        await self._app(scope, receive, answer)


def _route(scope: Scope) -> str:
    """Return the route's own path: a closed set, whatever is asked for."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else "other"


def _is_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether an answer has no end."""
    return any(h[0] == b"content-type" and h[1].startswith(b"text/event-stream") for h in headers)


def _is_of_page(scope: Scope) -> bool:
    """Tell whether the page asks.

    Its connections are not kept: on a path that froze, a browser would ask again over each of
    those that it has idle, one after the other, and hear nothing on any of them.
    """
    path = scope["path"]
    return path == "/" or path.startswith("/page/") or (b"lgsp-page", b"1") in scope["headers"]
