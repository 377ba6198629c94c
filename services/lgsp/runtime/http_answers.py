"""What both sides of the log do with an HTTP answer before they read it: bounds and redirects."""

import aiohttp
from yarl import URL

_CHUNK = 1 << 16


async def whole_body(answer: aiohttp.ClientResponse, most: int) -> bytes | None:
    """Read a body, unpacked; None when it is longer than `most` bytes: the connection is cut."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            answer.close()
            return None
    return bytes(body)


def redirected_to(answer: aiohttp.ClientResponse) -> str:
    """Name the host that a redirect points to: without path, query and account."""
    try:
        target = answer.url.join(URL(answer.headers.get("Location", "")))
        port = "" if target.is_default_port() else f":{target.port}"
        return f"{target.host}{port}" if target.host else "no host"
    except ValueError:
        return "an address that cannot be read"
