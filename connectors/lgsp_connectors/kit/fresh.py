"""Of what a page states, what is new: sent to the log, and kept as known once it is there."""

from collections.abc import Callable, Iterable, Sequence

from lgsp.domain.errors import FatalError
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.known import Entry, Known, gone, news

_FEW = 20  # dossiers: that many may always be missing from a listing

Personal = Callable[[DossierEvent], bytes]
"""Digests the personal data of an event, which is sealed anew each time."""


class Fresh:
    """Picks the new statements of one portal, page after page.

    Args:
        known: what was stated before.
        personal: digests personal data; None: it is not compared.
    """

    def __init__(self, known: Known, personal: Personal | None = None) -> None:
        self._known = known
        self._personal = personal or (lambda _event: b"")
        self._entries: dict[str, Entry] = {}
        self._seen: set[str] = set()

    def of(self, records: Iterable[Sequence[DossierEvent]], *, whole: bool) -> list[DossierEvent]:
        """Give the events that say something new, in order.

        Args:
            records: the events of each record.
            whole: each record states its whole dossier, not one step of it.
        """
        dossiers = [part for events in records for part in _by_dossier(events)]
        codes = {events[0].dossier_code for events in dossiers}
        found = self._known.load(codes)
        fresh: list[DossierEvent] = []
        for events in dossiers:
            code = events[0].dossier_code
            before = self._entries.get(code) or found.get(code)
            said, after = news(before, events, whole=whole, personal=self._personal(events[-1]))
            fresh += said
            if after != before:
                self._entries[code] = after
        self._seen |= codes
        return fresh

    def keep(self, listing: str = "") -> None:
        """Keep what was picked as known; it is on the log now.

        Args:
            listing: id of the complete listing that the page belongs to; "": of none.
        """
        self._known.keep(self._entries, self._seen, listing)
        self._entries, self._seen = {}, set()

    def gone(
        self, listing: str, speaker: DossierEvent, at: int, most_share: float
    ) -> list[DossierEvent]:
        """Give the removal of every known dossier that the complete listing does not hold.

        Args:
            listing: id of the listing, all of whose pages were kept.
            speaker: any event of the portal.
            at: when the listing was stated, ms UTC.
            most_share: largest part of the known dossiers that may be missing.

        Raises:
            FatalError: more are missing: the listing is not complete.
        """
        codes, count = self._known.missing(listing)
        if len(codes) > max(_FEW, count * most_share):
            raise FatalError(
                f"{listing}: {len(codes)} of {count} known dossiers are missing from a listing"
                " that is said to be complete: nothing was removed (source.complete,"
                " source.most_removed)"
            )
        return [gone(code, speaker, at) for code in codes]

    def forget(self, events: Iterable[DossierEvent]) -> None:
        """Drop the dossiers of these events: what comes back is stated anew."""
        self._known.forget([event.dossier_code for event in events])


def _by_dossier(events: Sequence[DossierEvent]) -> list[list[DossierEvent]]:
    parts: dict[str, list[DossierEvent]] = {}
    for event in events:
        parts.setdefault(event.dossier_code, []).append(event)
    return list(parts.values())
