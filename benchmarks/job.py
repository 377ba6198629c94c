"""The job of every contender that computes, written with our own domain code.

Decode an event, join it into its dossier, take the dossier's old contribution out of the day
counts and put the new one in. Everyone counts by PROFILE.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.digests import Counts, Digests, Key, digests_of
from lgsp.domain.dossier import Dossier, merge
from lgsp.domain.measures import DayCount
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.store.rates.layout import decode, encode

PROFILE = SIMPLE


class CountedDossier(NamedTuple):
    """A dossier and what it has added to the counts."""

    dossier: Dossier
    added: Sequence[DayCount]


Add = Callable[[Key, int, int], None]
"""Adds an amount to one measure (by its index) of one cell."""


class Job:
    """Counts as of the instant `now` (ms UTC); the caller keeps the dossiers.

    Args:
        now: the instant.
        add: keeps the counts; None: they are kept in `counts`.
    """

    def __init__(self, now: int, add: Add | None = None) -> None:
        self.counts: Counts = {}
        self._add = add or self._add_here
        self._calendar = load_calendar()
        self._now = now

    def join(self, entry: CountedDossier | None, value: bytes) -> CountedDossier:
        """Join one event into a dossier held as an object."""
        new = merge(entry.dossier if entry else None, decode_event(value, sealed=False))
        if entry is not None:
            if new is entry.dossier:
                return entry
            self._count(entry, -1)
        counted = CountedDossier(new, PROFILE.contribution(new, self._calendar, self._now))
        self._count(counted, 1)
        return counted

    def join_bytes(self, code: str, encoded: bytes | None, value: bytes) -> bytes:
        """Join one event into a dossier held as bytes (lgsp.store.rates.layout)."""
        entry = None
        if encoded is not None:
            dossier = decode(code, encoded)
            entry = CountedDossier(
                dossier, PROFILE.contribution(dossier, self._calendar, self._now)
            )
        return encode(self.join(entry, value).dossier)

    def digests(self, encoded: Mapping[str, bytes]) -> Digests:
        """Hash the encoded dossiers and the counts."""
        return digests_of(encoded, self.counts)

    def entry_digests(self, entries: Mapping[str, CountedDossier]) -> Digests:
        """Hash dossiers held as objects, and the counts."""
        return self.digests({code: encode(entry.dossier) for code, entry in entries.items()})

    def _count(self, entry: CountedDossier, sign: int) -> None:
        dossier = entry.dossier
        for day, measure in entry.added:
            key = (day, dossier.agency, dossier.domain, dossier.procedure)
            self._add(key, measure, sign)

    def _add_here(self, key: Key, measure: int, amount: int) -> None:
        numbers = self.counts.get(key)
        if numbers is None:
            numbers = self.counts[key] = [0] * len(PROFILE.measures.names)
        numbers[measure] += amount
