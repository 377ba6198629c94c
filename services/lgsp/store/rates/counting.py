"""What dossiers add to day cells by one profile's rules, and what events change of that."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lgsp.domain.dossier import Dossier
from lgsp.domain.event import DossierEvent
from lgsp.domain.measures import DayCount
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.store.events import Refused, merge_read
from lgsp.store.rates.cells import Cells


class CountedDossier(NamedTuple):
    """A dossier as stored, and what it has added to the cells; `wake_at` in ms UTC."""

    dossier: Dossier
    added: Sequence[DayCount]
    overdue: bool
    wake_at: int | None


class Counting:
    """Counts dossiers by the rules of a profile.

    Args:
        profile: standing rule, status semantics and measures.
        calendar: working days for extended deadlines.
    """

    def __init__(self, profile: Profile, calendar: Calendar) -> None:
        self._rule, self._statuses = profile.rule, profile.statuses
        self._day_counts = profile.measures.day_counts
        self._calendar = calendar

    def counted(self, dossier: Dossier, now: int) -> CountedDossier:
        """Return the dossier with what it adds at `now` (ms UTC)."""
        found = self._rule(dossier, self._statuses, self._calendar, now)
        added = self._day_counts(found, dossier.channel)
        return CountedDossier(dossier, added, found.overdue, found.turns_at)

    def counted_before(self, dossier: Dossier, now: int, *, overdue: bool) -> CountedDossier:
        """Return what a stored dossier has added: overdue as counted, whatever the time."""
        found = self._rule(dossier, self._statuses, self._calendar, now)
        added = self._day_counts(found._replace(overdue=overdue), dossier.channel)
        return CountedDossier(dossier, added, overdue, None)

    def merge(
        self,
        partition: int,
        known: Mapping[str, CountedDossier],
        by_code: Mapping[str, Sequence[DossierEvent]],
        cells: Cells,
        now: int,
        refused: Refused,
    ) -> dict[str, CountedDossier]:
        """Merge a partition's events, change the cells; return the changed dossiers by code.

        What a dossier does not take goes into `refused`.
        """
        changed: dict[str, CountedDossier] = {}
        for code, events in by_code.items():
            old = known.get(code)
            before = None if old is None else old.dossier
            dossier = merge_read(before, events, refused)
            if dossier is None or dossier is before:
                continue
            changed[code] = self.recount(partition, old, dossier, cells, now)
        return changed

    def recount(
        self, partition: int, old: CountedDossier | None, dossier: Dossier, cells: Cells, now: int
    ) -> CountedDossier:
        """Take out of the cells what the dossier had added, put in what it adds at `now`."""
        new = self.counted(dossier, now)
        if old is not None:
            _add(cells, partition, old, -1)
        _add(cells, partition, new, 1)
        return new


def _add(cells: Cells, partition: int, entry: CountedDossier, sign: int) -> None:
    service = (entry.dossier.agency, entry.dossier.domain, entry.dossier.procedure)
    for day, measure in entry.added:
        cells[partition, day, service][measure] += sign
