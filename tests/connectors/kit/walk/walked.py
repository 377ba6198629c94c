"""A game whose requests are counted."""

from tests.connectors.kit.walk.game import (
    FULL_EVERY,
    MINUTE,
    OVERLAP,
    ROWS,
    Game,
    Manners,
    at_once,
)

from lgsp.domain.errors import FatalError, RetryableError
from lgsp_connectors.kit.walk.newest import Newest
from lgsp_connectors.kit.walk.window import Ask, Window


class Walked(Game):
    """A game whose requests are counted, and whose own clock may be ahead of the portal's."""

    def __init__(self, manners: Manners = Manners(), rows: int = ROWS) -> None:
        self.ahead = self.asked = 0
        self._most = rows
        super().__init__(7, manners)

    def _new(self) -> Newest:
        return Newest(
            rows=self._most,
            overlap=OVERLAP,
            full_every=FULL_EVERY,
            clock=lambda: self.portal.now + self.ahead,
        )

    def file(self, count: int, *, every: int = MINUTE) -> None:
        for _ in range(count):
            self.portal.now += every
            self.portal.file(1)

    async def read_one(self, ask: Ask) -> Window:
        self.asked += 1
        return await self.portal.read(ask)

    def poll(self) -> int:
        """Read until caught up; give how many requests it took."""
        self.asked = 0
        for _ in range(3000):
            try:
                page = at_once(self.walk.fetch(self.cursor, self.read_one))
            except FatalError:
                raise
            except RetryableError:
                continue
            self.cursor = page.cursor
            self.read |= {record.data for record in page.records}
            if page.caught_up:
                return self.asked
        raise AssertionError("it never catches up")

    def lost(self) -> set[str]:
        return {
            id_
            for id_, dossier in self.portal.dossiers.items()
            if dossier.version not in self.read
        }
