"""A portal that moves, lies and fails while its list is walked, and what may never happen then."""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar, get_args

import orjson

from lgsp.domain.errors import FatalError, RetryableError
from lgsp_connectors.kit.contract import Cursor, Listing, Page, Record
from lgsp_connectors.kit.walk.newest import Newest
from lgsp_connectors.kit.walk.numbers import page_of
from lgsp_connectors.kit.walk.window import Ask, DoubtfulError, Listed, Window

SECOND = 1000
MINUTE = 60 * SECOND
ROWS = 24
OVERLAP = 10 * MINUTE
FULL_EVERY = 24 * 60 * MINUTE
_CAP = 13
_START = 1_720_000_000_000

Result = TypeVar("Result")
Fault = Literal["error", "no_rows", "short", "torn", "misplaced", "total"]
How = Literal["moved", "late", "restored"]
Ties = Literal["stable", "shuffled"]
Total = Literal["true", "none", "stops", "page"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True)
class Manners:
    """What the portal does all the time."""

    ties: Ties = "stable"
    total: Total = "true"
    most_rows: int = 1000
    by_page: bool = False

    @property
    def provable(self) -> bool:
        """Whether everything can be proved read, so that the walk may not give up."""
        return self.ties == "stable" or self.total == "true"


@dataclass(frozen=True)
class Dossier:
    at: int
    version: int
    shown_from: int
    how: How = "moved"
    since: int = 0  # when its state before this one was shown

    @property
    def stood_since(self) -> int:
        """From when on it was in the list, but for one change."""
        return self.shown_from if self.how == "restored" else self.since


@dataclass
class Portal:
    """The dossiers by id, each with its last change, under a clock that only goes on."""

    chance: random.Random
    manners: Manners = field(default_factory=Manners)
    now: int = _START
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    _versions: int = 0
    _backups: list[dict[str, Dossier]] = field(default_factory=list)

    def put(self, id_: str, *, at: int | None = None, late: int = 0) -> None:
        """File or change a dossier: at the clock's second, shown `late` ms after it."""
        self._versions += 1
        at = (self.now - late if at is None else at) // SECOND * SECOND
        before = self.dossiers.get(id_)
        since = before.shown_from if before else self.now
        how: How = "late" if late else "moved"
        self.dossiers[id_] = Dossier(at, self._versions, self.now, how, since)

    def file(self, count: int) -> None:
        for _ in range(count):
            self.put(f"d{self._versions + 1}")

    def change(self, count: int = 1) -> None:
        for id_ in self.some(count):
            self.put(id_)

    def change_late(self, late: int) -> None:
        """Change one, shown so many ms after its time."""
        for id_ in self.some(1):
            self.put(id_, late=late)

    def change_ahead(self, ahead: int) -> None:
        """Change one, with a time so many ms ahead."""
        for id_ in self.some(1):
            self.put(id_, at=self.now + ahead)

    def remove(self, count: int = 1) -> None:
        """Remove some, but never the last one."""
        self._remove(self.some(count))

    def archive(self, count: int) -> None:
        """Remove the newest: what was read first."""
        self._remove(sorted(self.dossiers, key=lambda id_: -self.dossiers[id_].at)[:count])

    def _remove(self, ids: list[str]) -> None:
        for id_ in ids[: len(self.dossiers) - 1]:
            del self.dossiers[id_]

    def back_up(self) -> None:
        if self.dossiers:  # a portal that suddenly has none is an error of its own
            self._backups.append(dict(self.dossiers))

    def restore(self) -> None:
        if not self._backups:
            return
        before, self.dossiers = self.dossiers, dict(self.chance.choice(self._backups))
        for id_, dossier in self.dossiers.items():
            if dossier != before.get(id_):
                self.dossiers[id_] = replace(dossier, shown_from=self.now, how="restored")

    def some(self, count: int) -> list[str]:
        return self.chance.sample(sorted(self.dossiers), min(count, len(self.dossiers)))

    async def read(self, ask: Ask) -> Window:
        """Window one request."""
        self.now += self.chance.randint(50, 600)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "error":
            raise RetryableError("HTTP 503")
        if fault == "torn":
            raise DoubtfulError("the reply has no list")
        ids = sorted(self.dossiers)
        if self.manners.ties == "shuffled":
            self.chance.shuffle(ids)
        ids.sort(key=lambda id_: -self.dossiers[id_].at)
        start, rows = ask
        if self.manners.by_page:
            page = page_of(ask)
            start, rows = page.start, page.size
        shown = ids[start : start + min(rows, self.manners.most_rows)]
        if fault == "short":
            shown = shown[: self.chance.randint(1, 12)]
        total = {"true": len(ids), "none": None, "stops": min(len(ids), 50), "page": len(shown)}[
            self.manners.total
        ]
        if fault == "no_rows":
            shown = []
        if fault == "total" and total is not None:
            total += self.chance.choice([-7, 7])
        if fault == "misplaced" and len(shown) > 6:
            shown.insert(3, shown.pop())
        return Window(start, [self.row(id_) for id_ in shown], total)

    def row(self, id_: str) -> Listed:
        dossier = self.dossiers[id_]
        return Listed(id_, dossier.at, Record(id_, dossier.version, self.now))


def at_once(walk: Coroutine[None, None, Result]) -> Result:
    """Run what waits for nothing: an event loop each time takes longer than the game."""
    try:
        walk.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    raise AssertionError("the portal of a game answers at once")


class Game:
    """A walk against a portal: an AssertionError tells what was lost or is wrong."""

    def __init__(self, seed: int, manners: Manners) -> None:
        self.portal = Portal(random.Random(seed), manners)
        self.walk = self._new()
        self.cursor: Cursor = self.walk.start(None)
        self.read: set[int] = set()  # versions
        self.known: set[str] = set()
        self.listed: dict[str, set[str]] = {}
        # When the walk began that shows: what moved, what shows later than its time, and what a
        # restore brings back, which only a pass through the whole list is sure to find.
        self.began = {"moved": 0, "late": 0, "restored": 0}
        self.given_up = 0

    def _new(self) -> Newest:
        return Newest(
            rows=ROWS,
            overlap=OVERLAP,
            full_every=FULL_EVERY,
            clock=lambda: self.portal.now,
            numbered=self.portal.manners.by_page,
        )

    def kill(self) -> None:
        """Another process goes on from the stored cursor."""
        self.walk = self._new()

    def step(self, *, stored: bool = True) -> Page | None:
        """Read one page; None: nothing came. Not `stored`: it dies before the checkpoint."""
        under_way = orjson.loads(self.cursor.get("pass", "{}"))
        if not under_way:
            self.began["late"] = self.portal.now
        has_begun = under_way.get("requests")
        self.began["moved"] = under_way["began"] if has_begun else self.portal.now
        try:
            page = at_once(self.walk.fetch(self.cursor, self.portal.read))
        except RetryableError:
            return None
        except FatalError:
            self.given_up += 1
            self.kill()
            return None
        self.read |= {record.data for record in page.records}
        ids = {record.origin for record in page.records}
        self.known |= ids
        if page.listing:
            self.listed.setdefault(page.listing.name, set()).update(ids)
        if not stored:
            self.kill()
            return None
        self.cursor = page.cursor
        if page.listing and page.listing.ended:
            self._remove(page.listing)
        if page.caught_up:
            self.began["restored"] = orjson.loads(page.cursor["level"])["full_at"]
            self.check(lambda dossier: dossier.shown_from < self.began[dossier.how])
        return page

    def _remove(self, listing: Listing) -> None:
        gone = self.known - self.listed[listing.name]
        back = {id_: d for id_ in gone if (d := self.portal.dossiers.get(id_))}
        back = {id_: d for id_, d in back.items() if d.stood_since <= listing.at}
        assert not back, f"removed, but alive: {back}"
        self.known -= gone

    def settle(self) -> None:
        """Let the portal rest: in the end everything it holds was read."""
        self.portal.faults.clear()
        most = 3000 + 20 * len(self.portal.dossiers)  # a few passes, some sweeps each
        for _ in range(2):
            self.portal.now += FULL_EVERY
            for _ in range(most):
                given_up = self.given_up
                page = self.step()
                if page is not None and page.caught_up:
                    break
                if self.given_up > given_up and not self.portal.manners.provable:
                    return  # loud, and nothing was promised
            else:
                raise AssertionError("it never catches up")
        self.check(lambda _: True)

    def check(self, due: Callable[[Dossier], bool]) -> None:
        """Assert that all that is due was read."""
        lost = {
            id_: dossier
            for id_, dossier in self.portal.dossiers.items()
            if due(dossier) and dossier.version not in self.read
        }
        assert not lost, f"lost: {lost}"
