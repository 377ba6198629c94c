"""One blocking GET of a JSON document, for commands that ask our own services."""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import orjson

from lgsp.domain.errors import RetryableError


def get_json(url: str, query: Mapping[str, str], timeout: float = 30) -> Any:
    """Return the document at `url`; RetryableError when it cannot be had now."""
    address = f"{url}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(address, timeout=timeout) as answer:  # noqa: S310 - set by us
            return orjson.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise RetryableError(f"{url}: {error}") from error
