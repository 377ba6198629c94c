"""From a connector to figures without a broker: everything between them is the real part."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from lgsp.domain.dossier import Dossier, merge
from lgsp.domain.errors import RejectedRecord
from lgsp.domain.figures import counts_of
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp_connectors.kit.contract import Connector, Cursor


@asynccontextmanager
async def reading(connector: Connector) -> AsyncIterator["ReadBack"]:
    try:
        yield ReadBack(connector)
    finally:
        await connector.close()


class ReadBack:
    """The dossiers that a connector states, and what it rejected, pass after pass."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._cursor: Cursor = connector.start(None)
        self.dossiers: dict[str, Dossier] = {}
        self.rejects: Counter[str] = Counter()

    async def catch_up(self) -> None:
        caught_up = False
        while not caught_up:
            page = await self.connector.fetch(self._cursor)
            for record in page.records:
                try:
                    if record.fault:
                        raise record.fault
                    for event in self.connector.to_events(record):
                        known = self.dossiers.get(event.dossier_code)
                        self.dossiers[event.dossier_code] = merge(known, event)
                except RejectedRecord as reject:
                    self.rejects[reject.reason.value] += 1
            self._cursor, caught_up = page.cursor, page.caught_up


def counts(dossiers: Iterable[Dossier], as_of: int) -> dict[str, int]:
    calendar = load_calendar()
    sums: Counter[str] = Counter(
        SIMPLE.measures.names[unit.measure]
        for d in dossiers
        for unit in SIMPLE.contribution(d, calendar, as_of)
    )
    return counts_of(SIMPLE.measures, sums)
