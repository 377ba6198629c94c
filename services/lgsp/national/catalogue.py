"""The national catalogue of procedures as the sync needs it: names, asked once in a while."""

import asyncio
import time
from typing import Any, Protocol

from lgsp.national.wire import Names

_TTL = 3600.0
_TTL_UNKNOWN = 60.0  # the catalogue may learn a procedure soon after we asked


class ProcedureLookup(Protocol):
    """Who can be asked for a procedure: the client."""

    async def procedure(self, code: str) -> dict[str, Any] | None:
        """Return the catalogue's entry, None when there is none; RetryableError."""
        ...


class Catalogue:
    """Names of procedures by national code, kept for an hour.

    Concurrent questions for one procedure become one call.
    """

    def __init__(self, portal: ProcedureLookup) -> None:
        self._portal = portal
        self._known: dict[str, tuple[float, Names | None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def names(self, code: str) -> Names | None:
        """Return the names of a procedure, None when the portal knows none; RetryableError."""
        if (known := self._fresh(code)) is not None:
            return known[1]
        return await self._ask(code, anew=False)

    async def names_anew(self, code: str) -> Names | None:
        """Do the same, but ask again for one that was unknown, however lately."""
        known = self._fresh(code)
        return known[1] if known and known[1] else await self._ask(code, anew=True)

    async def _ask(self, code: str, *, anew: bool) -> Names | None:
        async with self._locks.setdefault(code, asyncio.Lock()):
            if not anew and (known := self._fresh(code)) is not None:
                return known[1]
            names = _names(await self._portal.procedure(code))
            ends = time.monotonic() + (_TTL_UNKNOWN if names is None else _TTL)
            self._known[code] = (ends, names)
            return names

    def _fresh(self, code: str) -> tuple[float, Names | None] | None:
        known = self._known.get(code)
        return known if known is not None and known[0] > time.monotonic() else None


def _names(entry: dict[str, Any] | None) -> Names | None:
    """Read an entry; one without a name or a domain is as good as none."""
    if entry is None:
        return None
    domains = entry.get("LINHVUCTHUCHIEN")
    first = domains[0] if isinstance(domains, list) and domains else {}
    if not isinstance(first, dict):
        return None
    found = Names(
        str(entry.get("TENTTHC") or ""),
        str(first.get("MALINHVUC") or ""),
        str(first.get("TENLINHVUC") or ""),
    )
    return found if found.procedure and found.domain and found.domain_name else None
