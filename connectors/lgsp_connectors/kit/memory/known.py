"""What a portal has stated of its dossiers: what it states again unchanged is not written again.

An entry a dossier, of digests only. It is no record: without it everything is stated once more,
which changes no figure.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple, Protocol

from lgsp.domain.details import pack
from lgsp.domain.event import (
    LAST_ROW,
    Channel,
    DossierEvent,
    ServiceLevel,
    instant_of,
    statement_of,
    with_id,
)
from lgsp.domain.profiles.registry import PROFILES
from lgsp.domain.status import Status
from lgsp_connectors.kit.memory.filing import OWNER, Filing

_STATUS, _ATTRIBUTES, _FILE = 6, 4, 4  # bytes of a digest
_HEAD = Struct(f"<Bqqqq{_FILE}sq{OWNER}s{OWNER}s")
_NO_FILE = bytes(_FILE)
_PAUSING = frozenset().union(*(profile.statuses.suspending for profile in PROFILES.values()))


class Entry(NamedTuple):
    """What was last stated of one dossier.

    Args:
        stated: the digest of each status with its time, and of the attributes stated with it.
        paused: the pausing status that was shown last (0: none).
        shown_at: when it was (ms UTC).
        said: the order of that statement (lgsp.domain.event.statement_of); 0: it has none.
        written: the order of the last statement that was news, as it was sent to the log.
        aside: the order of the last older word that was sent.
        file: digest of the file that made the statement.
        filing: tells whose dossier it is.
    """

    stated: Mapping[bytes, bytes] = {}
    paused: int = 0
    shown_at: int = 0
    said: int = 0
    written: int = 0
    aside: int = 0
    file: bytes = _NO_FILE
    filing: Filing = Filing()

    def encode(self) -> bytes:
        """Give the entry as bytes."""
        pairs = [status + attributes for status, attributes in self.stated.items()]
        return _HEAD.pack(*self[1:-1], *self.filing) + b"".join(pairs)

    @staticmethod
    def decode(raw: bytes) -> "Entry":
        """Read what `encode` gave."""
        size = _STATUS + _ATTRIBUTES
        stated = {
            raw[at : at + _STATUS]: raw[at + _STATUS : at + size]
            for at in range(_HEAD.size, len(raw), size)
        }
        paused, shown_at, said, written, aside, file, *filing = _HEAD.unpack_from(raw)
        return Entry(stated, paused, shown_at, said, written, aside, file, Filing(*filing))

    def ties(self, event: DossierEvent, file: str) -> bool:
        """Tell whether another file said something of the same instant: nothing orders the two."""
        return bool(
            event.stated_row
            and event.stated_at == instant_of(self.said)
            and _NO_FILE not in (self.file, _digest_of_file(file))
            and self.file != _digest_of_file(file)
        )


class Known(Protocol):
    """Keeps the entries of one portal, by dossier code; a listing's name sorts by its time."""

    @property
    def disputed(self) -> Set[str]:
        """The codes that were last stated of another dossier than the one that is known."""
        ...

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of those of the codes that are known."""
        ...

    def announce(self, codes: Collection[str]) -> None:
        """Note codes that are about to be stated for the first time: the log may hold them."""
        ...

    def keep(self, entries: Mapping[str, Entry], seen: Collection[str], listing: str) -> None:
        """Keep the entries; mark the codes seen as held by the listing ("": by none).

        A code that a later listing holds stays marked with that. The codes seen are disputed no
        longer.
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

    def forget(self, codes: Collection[str]) -> None:
        """Drop the entries: what comes back is stated anew."""
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
        self._spoilt: set[str] = set()
        self._newest = 0

    def load(self, codes: Collection[str]) -> dict[str, Entry]:
        """Give the entries of those of the codes that are known."""
        return {code: self.entries[code] for code in codes if code in self.entries}

    def announce(self, codes: Collection[str]) -> None:
        """Note codes that are about to be stated for the first time."""
        for code in codes:
            self.entries.setdefault(code, Entry())

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

    def forget(self, codes: Collection[str]) -> None:
        """Drop the entries."""
        for code in codes:
            self.entries.pop(code, None)
            self.disputed.discard(code)
            self._listings.pop(code, None)

    def reset(self) -> None:
        """Drop everything."""
        self.entries.clear()
        self.disputed.clear()
        self._listings.clear()
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
        return {code: Entry(filing=entry.filing) for code, entry in before.items()} | found

    def close(self) -> None:
        """Free what is held open."""
        self._known.close()


def news(
    entry: Entry | None,
    events: Sequence[DossierEvent],
    *,
    whole: bool,
    personal: bytes = b"",
    file: str = "",
) -> tuple[list[DossierEvent], Entry]:
    """Give the events of one record that say something new, and the entry afterwards.

    A status that was not stated before is new. Where only attributes changed, one event carries
    them: a register takes the latest statement, whichever event brings it. A pause that the
    source no longer shows is stated once more, as of when it was last shown: that far its length
    is known.

    Of two different words stated at one instant and row, or at one instant by two files, the one
    read later is sent as the later one. An older word than the one that stands is sent as it is,
    once; not when it is of the same instant (a later row of its file has mended it), nor when the
    log does not know that the one that stands was said again since, and would take the older one
    for the last.

    Args:
        entry: what was stated before; None: nothing.
        events: of one dossier, at least one, in the order of the record.
        whole: the record states the whole dossier, not one step of it.
        personal: digest of the personal data, which is sealed anew each time.
        file: that the record stands in.
    """
    before = entry.stated if entry else {}
    filing = entry.filing if entry else Filing()
    now = {_status_digest(event): _attributes_digest(event, personal) for event in events}
    fresh = [event for event in events if _status_digest(event) not in before]
    if not fresh and any(before[status] != attributes for status, attributes in now.items()):
        fresh = [events[-1]]
    if not whole:
        return fresh, Entry({**before, **now}, filing=filing)
    last = events[-1]
    said = 0 if last.stated_at is None else statement_of(last)
    if entry and said and said < entry.said and not entry.ties(last, file):
        of_now = instant_of(said) == instant_of(entry.said)
        if of_now or said >= entry.written or said == entry.aside:
            return [], entry
        return fresh, entry._replace(aside=said)
    stated_at = last.occurred_at if last.stated_at is None else last.stated_at
    written = entry.written if entry else 0
    if fresh and said:
        written = max(said, written + 1)
        if written != said:
            fresh = [_stated(event, written) for event in fresh]
    pauses = last.status in _PAUSING
    if entry and entry.paused and last.status != entry.paused and entry.shown_at < stated_at:
        fresh = [_shown_then(entry, last), *fresh]
    paused, shown_at = (int(last.status), stated_at) if pauses else (0, 0)
    aside = entry.aside if entry else 0
    told_by = _digest_of_file(file)
    return fresh, Entry(now, paused, shown_at, said, written, aside, told_by, filing)


def _stated(event: DossierEvent, order: int) -> DossierEvent:
    """Give the event with another order of its statement."""
    at, row = instant_of(order), order & LAST_ROW
    return with_id(replace(event, stated_at=at, stated_row=row))


class Source(NamedTuple):
    """Who speaks: portal and province; and when it was heard (ms UTC)."""

    portal: str
    province: str
    observed_at: int


def gone(code: str, source: Source, at: int) -> DossierEvent:
    """Give the event that says the source no longer holds the dossier `code`.

    Args:
        code: of the dossier.
        source: who says so.
        at: when it stated it by not listing the dossier (ms UTC).
    """
    bare = _bare(source, code, "", Status.UNKNOWN, at)
    return with_id(replace(bare, removed=True))


def _shown_then(entry: Entry, last: DossierEvent) -> DossierEvent:
    source = Source(last.portal, last.province, last.observed_at)
    status = Status(entry.paused)
    return with_id(_bare(source, last.dossier_code, last.agency, status, entry.shown_at))


def _bare(source: Source, code: str, agency: str, status: Status, at: int) -> DossierEvent:
    """Make an event that states a status alone."""
    return DossierEvent(
        portal=source.portal,
        province=source.province,
        dossier_code=code,
        agency=agency,
        service_level=ServiceLevel.UNKNOWN,
        channel=Channel.UNKNOWN,
        status=status,
        occurred_at=at,
        observed_at=source.observed_at,
        sequence=int(status),
        stated_at=at,
    )


def _status_digest(event: DossierEvent) -> bytes:
    """Digest a status and its time; of what was only observed at the statement, no time."""
    at = event.occurred_at if event.occurred_at != event.stated_at else ""
    return _digest(_STATUS, int(event.status), event.reopens, at, event.removed)


def _attributes_digest(event: DossierEvent, personal: bytes) -> bytes:
    """Digest all that an event states besides its status.

    A statement's own time counts where each record has one; a file's time does not.
    """
    return _digest(
        _ATTRIBUTES,
        event.agency,
        event.procedure,
        event.domain,
        int(event.service_level),
        int(event.channel),
        event.submitted_at,
        event.received_at,
        event.due_at,
        event.finished_at,
        event.returned_at,
        event.national_code,
        pack(event.details),
        event.stated_at if event.stated_row == 0 else "",
        personal.hex(),
    )


@lru_cache(1024)
def _digest_of_file(name: str) -> bytes:
    return _digest(_FILE, name) if name else _NO_FILE


def _digest(size: int, *parts: object) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=size).digest()
