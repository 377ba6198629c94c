"""Of what a page states, what is new: sent to the log, and kept as known once it is there."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent, instant_of, statement_of
from lgsp_connectors.kit.contract import Listing
from lgsp_connectors.kit.memory.announced import Told, settled, without
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.filing import Nobody, Persons, conflict, filing_of, is_other
from lgsp_connectors.kit.memory.known import Known
from lgsp_connectors.kit.memory.news import Source, gone, news

_FEW = 20  # dossiers: that many may always be missing from a listing ...
_MOST_SHARE = 0.2  # ... and this share of those known


class Fresh:
    """Picks the new statements of one portal, page after page.

    Args:
        known: what was stated before.
        persons: digests personal data; None: it is not compared.
    """

    def __init__(self, known: Known, persons: Persons | None = None) -> None:
        self._known = known
        self._persons = persons or Nobody()
        self._entries: dict[str, Entry] = {}
        self._seen: set[str] = set()
        self._speaker: DossierEvent | None = None
        self.unordered = 0  # dossiers of the last page with other values that nothing orders
        self.conflicts: dict[int, RejectedRecord] = {}
        """The records of the last page whose code stands for another dossier, by their place."""

    def of(
        self,
        records: Iterable[Sequence[DossierEvent]],
        *,
        whole: bool,
        listing: Listing | None = None,
        files: Sequence[str] = (),
    ) -> list[DossierEvent]:
        """Give the events that say something new, in order; see `conflicts` for what is held.

        What they make known is announced: should the process die before `keep`, the next reading
        of these dossiers states them so that it stands, whatever of this page the log has.
        Of a listing stated before one that has ended only what it says of known dossiers counts:
        the others were gone by then.

        Args:
            records: the events of each record.
            whole: each record states its whole dossier, not one step of it.
            listing: that the records belong to.
            files: that the records stand in; (): in none.
        """
        dossiers = [(i, part) for i, said in enumerate(records) for part in _by_dossier(said)]
        codes = {events[0].dossier_code for _, events in dossiers}
        found = self._known.load(codes)
        if listing is not None and dossiers:
            self._believe_no_clock_ahead(listing, dossiers[0][1][0].observed_at)
        if self.is_outdated(listing):
            codes &= found.keys() | self._entries.keys()
            dossiers = [(i, said) for i, said in dossiers if said[0].dossier_code in codes]
        announced = {
            code: entry.announced
            for code, entry in found.items()
            if entry.announced and code not in self._entries
        }
        found |= {code: without(found[code], whole=whole) for code in announced}
        last_words: dict[str, Told] = {}
        fresh: list[DossierEvent] = []
        new = [c for c in codes if c not in found or not (found[c].stated and found[c].filing.at)]
        past = self._known.past(new)
        self.unordered, self.conflicts = 0, {}
        for place, events in dossiers:
            last = events[-1]
            code = last.dossier_code
            before = self._entries.get(code) or found.get(code)
            if code in past and not (before and before.stated):
                before = past[code]
            personal = self._persons.all(last)
            file = files[place] if files else ""
            said, after = news(before, events, whole=whole, personal=personal, file=file)
            if said:
                owner = self._persons.owner(last)
                if not after.filing.at and code in past:
                    after = after._replace(filing=past[code].filing)
                if is_other(after.filing, last, owner):
                    self.conflicts[place] = conflict(after.filing, last)
                    continue
                after = after._replace(filing=filing_of(after.filing, last, owner))
            fresh += said
            if whole and before and said:
                self.unordered += (
                    before.ties(last, file)
                    if last.stated_at is not None
                    else before.stated.keys() >= after.stated.keys()
                )
            if after != before:
                self._entries[code] = after
            if code in announced:
                last_words[code] = Told(events, personal, file)
            self._speaker = last
        for code, word in last_words.items() if whole else ():
            after = self._entries.get(code) or found[code]
            more, self._entries[code] = settled(announced[code], after, word)
            fresh += more
        self._announce(fresh)
        self._seen |= codes
        return fresh

    def _announce(self, events: Iterable[DossierEvent]) -> None:
        """Note durably what these events make known, before the log can hold them."""
        stated = {event.dossier_code: self._entries[event.dossier_code] for event in events}
        self._known.announce({c: entry.announced or entry for c, entry in stated.items()})

    def said(self, codes: Collection[str]) -> dict[str, int]:
        """Give the order of what was said last of those of the codes that are known."""
        return {c: entry.said for c, entry in (self._known.load(codes) | self._entries).items()}

    def is_outdated(self, listing: Listing | None) -> bool:
        """Tell whether a listing was stated before one that has ended."""
        return listing is not None and listing.at < self._known.newest()

    def keep(self, listing: Listing | None = None) -> None:
        """Keep what was picked as known; it is on the log now.

        Args:
            listing: that the page belongs to.
        """
        self._known.keep(self._entries, self._seen, _sortable(listing) if listing else "")
        self._known.dispute([error.dossier_code for error in self.conflicts.values()])
        self._entries, self._seen = {}, set()

    def seen(self, errors: Iterable[RejectedRecord], listing: Listing) -> None:
        """Note whose records of a complete listing were rejected: they are not missing."""
        for error in errors:
            if error.dossier_code:
                self._seen.add(error.dossier_code)
            else:
                self._known.spoil(_sortable(listing))

    def gone(self, listing: Listing, now: int) -> tuple[list[DossierEvent], str | None]:
        """Give the removal of every known dossier that an ended listing does not hold.

        A listing that was stated before one that ended earlier tells nothing: what it lacks may
        have been filed since.

        Args:
            listing: all of its pages were kept.
            now: ms UTC.

        Returns:
            The events, or none and the reason why nothing was removed; None for the reason where
            the listing tells nothing.
        """
        at = min(listing.at, now)
        self._believe_no_clock_ahead(listing, now)
        if not self._known.is_newest(at):
            return [], None
        found = self._known.missing(_sortable(listing))
        if at < listing.at:
            self._known.date_back(_sortable(listing), _sortable(replace(listing, at=at)))
        if found is None:
            return [], (
                f"{listing.name}: nothing was removed: some of its rows cannot be read, and nobody"
                " can tell whose they are"
            )
        codes, count = found
        if codes and self._speaker is None:
            return [], f"{listing.name}: nothing was removed: it holds no dossier at all"
        if len(codes) > max(_FEW, count * _MOST_SHARE):
            return [], (
                f"{listing.name}: nothing was removed: {len(codes)} of {count} known dossiers are"
                " not in it, so it is hardly complete"
            )
        speaker = self._speaker
        if speaker is None:
            return [], ""
        source = Source(speaker.portal, speaker.province, now)
        known = self._known.load(codes)
        events = [gone(code, source, max(at, _behind(entry))) for code, entry in known.items()]
        self._known.announce(
            {
                code: Entry(written=statement_of(event), filing=(entry.announced or entry).filing)
                for event, (code, entry) in zip(events, known.items(), strict=True)
            }
        )
        return events, ""

    def _believe_no_clock_ahead(self, listing: Listing, now: int) -> None:
        """Drop what our own clock noted of listings while it was ahead."""
        if self._known.newest() > now:
            self._known.no_later_than(now, _sortable(replace(listing, at=now)))

    @property
    def disputed(self) -> int:
        """How many codes were last stated of another dossier than the one that is known."""
        return len(self._known.disputed)

    def forget(self, events: Iterable[DossierEvent]) -> None:
        """Drop the dossiers of these removals: what comes back is stated anew, behind them."""
        self._known.forget({event.dossier_code: statement_of(event) for event in events})


def _sortable(listing: Listing) -> str:
    """Give the listing's name such that it sorts by when it was stated."""
    return f"{listing.at:016d} {listing.name}"


def _behind(entry: Entry) -> int:
    """Give from when on a removal stands against all that was stated before (ms UTC).

    The dossier's own last word may be of a clock ahead of ours. A removal that was announced is
    stated again as it was.
    """
    after = instant_of(entry.written) + 1
    if entry.announced is None:
        return after
    return max(after, instant_of(entry.announced.written) + bool(entry.announced.stated))


def _by_dossier(events: Sequence[DossierEvent]) -> list[list[DossierEvent]]:
    parts: dict[str, list[DossierEvent]] = {}
    for event in events:
        parts.setdefault(event.dossier_code, []).append(event)
    return list(parts.values())
