"""What a portal has stated of its dossiers, kept by code: in a file, or as long as we live.

It is no record: without it everything is stated once more, which changes no figure, and which
dossiers there were is read from the log.
"""

from collections.abc import Collection, Mapping, Set
from typing import Protocol

from lgsp_connectors.kit.memory.entry import Entry


class Known(Protocol):
    """Keeps the entries of one portal, by dossier code; a listing's name sorts by its time."""

    @property
    def disputed(self) -> Set[str]:
        """The codes that were last stated of another dossier than the one that is known."""
        ...

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of those of the codes that are known."""
        ...

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """Note durably what is about to be stated, before any of it can be on the log.

        `load` gives it beside the entry until that is kept; a code that is new is known from now.
        """
        ...

    def keep(self, entries: Mapping[str, Entry], seen: Collection[str], listing: str) -> None:
        """Keep the entries; mark the codes seen as held by the listing ("": by none).

        What was announced of an entry is settled, unless it says so itself. A code that a later
        listing holds stays marked with that. The codes seen are disputed no longer.
        """
        ...

    def dispute(self, codes: Collection[str]) -> None:
        """Note codes that were stated of another dossier."""
        ...

    def spoil(self, listing: str) -> None:
        """Note that the listing has a record of which nobody can tell whose it is."""
        ...

    def missing(self, listing: str) -> tuple[list[str], int] | None:
        """Give the known codes that neither it nor a later one holds, and how many are known.

        None: it cannot be told, the listing is spoilt.
        """
        ...

    def date_back(self, listing: str, earlier: str) -> None:
        """Give a listing of a clock ahead its name by an earlier time."""
        ...

    def newest(self) -> int:
        """Give when the newest listing that has ended was stated (ms UTC); 0: there is none."""
        ...

    def is_newest(self, at: int) -> bool:
        """Note that a listing stated at `at` (ms UTC) has ended; False after a later one."""
        ...

    def no_later_than(self, now: int, listing: str) -> None:
        """Drop what a clock ahead noted: listings ended after `now`, marks behind `listing`."""
        ...

    def forget(self, removed: Mapping[str, int]) -> None:
        """Drop the entries, but for who filed them, and the order of the word that removed them.

        What comes back is stated anew, behind that word.
        """
        ...

    def past(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give what is left of those of the codes that were dropped: they may be given anew."""
        ...

    def reset(self) -> None:
        """Drop everything: the portal is read anew, for a log that may not hold any of it."""
        ...

    def close(self) -> None:
        """Free what is held open."""
        ...


class MemoryKnown:
    """Keeps the entries as long as the process lives."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.disputed: set[str] = set()
        self._listings: dict[str, str] = {}
        self._past: dict[str, Entry] = {}
        self._spoilt: set[str] = set()
        self._newest = 0

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of those of the codes that are known."""
        return {code: self.entries[code] for code in codes if code in self.entries}

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """Note what is about to be stated."""
        for code, entry in entries.items():
            before = self.entries.get(code, Entry())
            self.entries[code] = before._replace(announced=entry)

    def keep(self, entries: Mapping[str, Entry], seen: Collection[str], listing: str) -> None:
        """Keep the entries; mark the codes seen as held by the listing ("": by none)."""
        self.entries.update(entries)
        self.disputed -= set(seen)
        later = [code for code in seen if self._listings.get(code, "") < listing]
        self._listings.update(dict.fromkeys(later, listing))

    def dispute(self, codes: Collection[str]) -> None:
        """Note codes that were stated of another dossier."""
        self.disputed |= set(codes)

    def spoil(self, listing: str) -> None:
        """Note that the listing has a record of which nobody can tell whose it is."""
        self._spoilt.add(listing)

    def missing(self, listing: str) -> tuple[list[str], int] | None:
        """Give the known codes that neither it nor a later one holds, and how many are known."""
        if listing in self._spoilt:
            return None
        gone = [code for code in self.entries if self._listings.get(code, "") < listing]
        return gone, len(self.entries)

    def date_back(self, listing: str, earlier: str) -> None:
        """Give a listing of a clock ahead its name by an earlier time."""
        held = [code for code, name in self._listings.items() if name == listing]
        self._listings.update(dict.fromkeys(held, earlier))

    def newest(self) -> int:
        """Give when the newest listing that has ended was stated."""
        return self._newest

    def is_newest(self, at: int) -> bool:
        """Note that a listing stated at `at` has ended; False after a later one."""
        self._newest = max(self._newest, at)
        return at == self._newest

    def no_later_than(self, now: int, listing: str) -> None:
        """Drop what a clock ahead has noted."""
        self._newest = 0 if self._newest > now else self._newest
        ahead = [code for code, name in self._listings.items() if name > listing]
        self._listings.update(dict.fromkeys(ahead, ""))

    def forget(self, removed: Mapping[str, int]) -> None:
        """Drop the entries, but for who filed them and the order of the removal."""
        for code, order in removed.items():
            entry = self.entries.pop(code, Entry())
            self._past[code] = Entry(written=order, filing=(entry.announced or entry).filing)
            self.disputed.discard(code)
            self._listings.pop(code, None)

    def past(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give what is left of those of the codes that were dropped."""
        return {code: self._past[code] for code in codes if code in self._past}

    def reset(self) -> None:
        """Drop everything."""
        self.entries.clear()
        self.disputed.clear()
        self._listings.clear()
        self._past.clear()
        self._spoilt.clear()
        self._newest = 0

    def close(self) -> None:
        """Nothing is held open."""


class Restated(MemoryKnown):
    """Knows whose dossiers they are, and nothing that was stated of them: all is stated anew.

    Args:
        known: who filed them.
    """

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of this run; of the other codes, who filed them."""
        found = super().load(codes)
        before = self._known.load(codes)
        filings = {code: (entry.announced or entry).filing for code, entry in before.items()}
        return {code: Entry(filing=filing) for code, filing in filings.items()} | found

    def past(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give what is left of those of the codes that were dropped."""
        return self._known.past(codes)

    def close(self) -> None:
        """Free what is held open."""
        self._known.close()
