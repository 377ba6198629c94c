"""The twin as an OpenCPS portal holds it: one flat record a dossier, as of its own now."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from lgsp.simulation.dossiers import TwinDossier
from lgsp.simulation.flat import STATUS_WORDS, flat_record


class Filters(NamedTuple):
    """What a list is narrowed to; "" is everything. There is no "changed since", as in OpenCPS."""

    status: str = ""
    agency: str = ""
    service: str = ""
    domain: str = ""
    dossier_no: str = ""
    online: str = ""


class OpenCpsPortal:
    """The dossiers filed by `now`, each in the state of its last step by then.

    Args:
        dossiers: the twin.
        now: gives the portal's time (ms UTC); it never goes back.
        persons: whether the records name (synthetic) applicants.
    """

    def __init__(
        self, dossiers: Iterable[TwinDossier], now: Callable[[], int], *, persons: bool = True
    ) -> None:
        self._now, self._persons = now, persons
        self._dossiers: dict[int, TwinDossier] = {}
        changes: list[tuple[int, int, int]] = []
        for dossier in dossiers:
            self._dossiers[dossier.number] = dossier
            changes += [(s.at, dossier.number, i) for i, s in enumerate(dossier.course.changes)]
        changes.sort()
        self._changes, self._passed = changes, 0
        # Dossier number -> index of its last step; in the order of their last changes.
        self._shown: dict[int, int] = {}

    def list(
        self, filters: Filters, start: int, end: int, *, newest_first: bool
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many dossiers match, and the records start <= n < end by last change."""
        self._catch_up()
        keys: Iterable[int] = reversed(self._shown) if newest_first else iter(self._shown)
        total = len(self._shown)
        if any(filters):
            matching = [number for number in keys if self._matches(number, filters)]
            total, keys = len(matching), iter(matching)
        return total, [self._record(number) for number in islice(keys, start, max(start, end))]

    def get(self, number: int) -> dict[str, Any] | None:
        """Return one record by its dossierId; None when there is none (yet)."""
        self._catch_up()
        return self._record(number) if number in self._shown else None

    def _catch_up(self) -> None:
        upto = bisect_right(self._changes, (self._now(), len(self._dossiers) + 1, 0))
        shown = self._shown
        for at in range(self._passed, upto):
            _, number, index = self._changes[at]
            shown.pop(number, None)
            shown[number] = index
        self._passed = max(self._passed, upto)

    def _record(self, number: int) -> dict[str, Any]:
        return flat_record(self._dossiers[number], self._shown[number], persons=self._persons)

    def _matches(self, number: int, filters: Filters) -> bool:
        dossier = self._dossiers[number]
        status = STATUS_WORDS[dossier.course.changes[self._shown[number]].status]
        online = str(dossier.channel.name == "ONLINE").lower()
        has = (status, dossier.agency, dossier.procedure.code, dossier.procedure.domain)
        return all(
            not wanted or wanted == found
            for wanted, found in zip(filters, (*has, dossier.code, online), strict=True)
        )
