"""The second witness of the day cells: the dossiers themselves, counted by the readable rule."""

from collections import Counter

from sqlalchemy import Connection, select

from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.store.rates.cells import KEY, day_cells
from lgsp.store.rates.counting import Counting
from lgsp.store.rates.layout import decode
from lgsp.store.tables import DOSSIERS

_ROWS_AT_ONCE = 5000


def count_differing(connection: Connection, profile: Profile, calendar: Calendar, now: int) -> int:
    """Count the numbers of day cells that are not what the dossiers add up to; 0 is right.

    Reads all dossiers, 20,000 a second or so; in a snapshot when somebody writes.

    Args:
        connection: to the store, counted by the profile.
        profile: the rules.
        calendar: working days.
        now: ms UTC; a dossier is overdue when it was counted so, whatever the time.
    """
    counting = Counting(profile, calendar)
    names = profile.measures.names
    sums: Counter[tuple[object, ...]] = Counter()
    columns = (DOSSIERS.c.code, DOSSIERS.c.partition, DOSSIERS.c.overdue, DOSSIERS.c.dossier)
    query = select(*columns).execution_options(yield_per=_ROWS_AT_ONCE)
    for code, partition, overdue, encoded in connection.execute(query):
        dossier = decode(code, encoded)
        service = (dossier.agency, dossier.domain, dossier.procedure)
        for day, measure in counting.counted_before(dossier, now, overdue=bool(overdue)).added:
            sums[partition, day, *service, names[measure]] += 1
    for cell in connection.execute(select(day_cells(profile.measures).view)).mappings():
        for name in names:
            sums[*(cell[part] for part in KEY), name] -= cell[name]
    return sum(1 for difference in sums.values() if difference)
