"""What a portal was asked and what it answered, for `check` to show; nobody else keeps it."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from yarl import URL

from lgsp.runtime.personal import HIDDEN, described, looks_personal, mask

_SECRET_KEYS = re.compile(r"pass|secret|token|key|session|sig|auth", re.IGNORECASE)
_SAYING = ("message", "error_description", "error", "detail", "title", "code", "error_code")
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LONGEST = 200  # characters of a portal's words
_MOST_PARTS = 12  # named of an object


class Exchange(NamedTuple):
    """One request and its answer, without secrets.

    Args:
        request: method, address and query.
        answer: status of the answer, or why none came.
        words: the portal's own; what they are of, where they may hold a person's data.
    """

    request: str
    answer: str
    words: str


_watching: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


@contextmanager
def watched() -> Iterator[list[Exchange]]:
    """Keep what is asked and answered within the block."""
    found: list[Exchange] = []
    token = _watching.set(found)
    try:
        yield found
    finally:
        _watching.reset(token)


def is_watched() -> bool:
    """Tell whether anybody keeps what is asked."""
    return _watching.get() is not None


def note(
    address: str, query: Mapping[str, str], answer: str, body: bytes, secrets: Collection[str]
) -> None:
    """Keep one exchange, if anybody watches.

    Args:
        address: of a GET.
        query: of it.
        answer: its status, or why there is none.
        body: of the answer.
        secrets: texts that the portal may repeat, and nobody may see.
    """
    seen = _watching.get()
    if seen is None:
        return
    url = URL(address)
    if url.password:
        url = url.with_password(HIDDEN)
    pairs = [
        f"{name}={HIDDEN if _SECRET_KEYS.search(name) else value}" for name, value in query.items()
    ]
    request = f"GET {url.human_repr()}" + ("?" if pairs else "") + "&".join(pairs)
    parts = (request, answer, _words_of(body))
    seen.append(Exchange(*(_without(part, secrets) for part in parts)))


def _without(text: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text


def _words_of(body: bytes) -> str:
    """Give what an answer says; of a web page its title."""
    if not body:
        return ""
    if body.lstrip()[:1] == b"<":
        title = _TITLE.search(body)
        return (
            f"a web page: {_safe(title[1].decode('utf-8', 'replace'))}" if title else "a web page"
        )
    try:
        return _said(json.loads(body))
    except (ValueError, RecursionError):
        return _safe(body[: 4 * _LONGEST].decode("utf-8", "replace"))


def _said(parsed: Any) -> str:
    """Give what a JSON answer says of itself, or what it is made of."""
    if isinstance(parsed, list):
        return f"a list of {len(parsed)}"
    if not isinstance(parsed, dict):
        return f"one {type(parsed).__name__}"
    said = [
        f"{name} {_said(value) if isinstance(value, dict | list) else _safe(str(value))}"
        for name in _SAYING
        if (value := parsed.get(name)) not in (None, "", [])
    ]
    return ", ".join(said) or f"an object of {', '.join(_parts(parsed)) or 'nothing'}"


def _parts(parsed: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in list(parsed.items())[:_MOST_PARTS]:
        size = f" ({len(value)})" if isinstance(value, list) else ""
        found.append(_safe(str(name)) + size)
    return found


def _safe(text: str) -> str:
    """Give a text on one line, without what may be a person's."""
    line = mask(" ".join(text.split()))[:_LONGEST]
    return described(line) if looks_personal(line.replace(HIDDEN, "")) else line
