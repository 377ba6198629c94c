"""Blocking GETs of our own services: whether one answers, and one JSON document.

Past every proxy: what the machine's environment says of proxies (`HTTP_PROXY`) is for the way
out, and a proxy of the province knows nothing of our loopback.
"""

import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

import orjson

from lgsp.domain.errors import RetryableError

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ANSWER_WITHIN = 2.0


def answers_200(url: str) -> bool:
    """Tell whether the URL answers 200 now; takes two seconds at most."""
    try:
        with _DIRECT.open(url, timeout=_ANSWER_WITHIN) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException, ValueError):
        return False


def get_json(url: str, query: Mapping[str, str], timeout: float = 30) -> Any:
    """Return the document at `url`; RetryableError when it cannot be had now."""
    address = f"{url}?{urllib.parse.urlencode(query)}"
    try:
        with _DIRECT.open(address, timeout=timeout) as answer:
            return orjson.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        raise RetryableError(f"{url}: {error}") from error
