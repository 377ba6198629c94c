"""A process may die between any two of its steps: in the end the log says what the portals say.

An oracle reads only the portals. HYPOTHESIS_EXAMPLES says how many schedules are tried.
"""

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.connectors.files.folder import Clock
from tests.connectors.files.written import Fact, counted_by_domain, counted_by_hand
from tests.connectors.kit.deaths import Log, Row, Site, owners_of

BEGIN = 1_767_600_000_000  # 2026-01-05
CODES = [f"H37.12-240705-{n:04d}" for n in range(5)]
ALWAYS = "H37.12-240705-9999"
"""Never removed: a listing that holds no dossier at all removes none."""
codes, sites = st.sampled_from(CODES), st.integers(0, 1)
_SECOND = 1000


class Deaths(RuleBasedStateMachine):
    """Portals change, connectors read and die."""

    complete: ClassVar[bool] = False
    in_file: ClassVar[bool] = False
    portals: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.base = Path(tempfile.mkdtemp(prefix="lgsp-deaths-"))
        self.loop = asyncio.Runner()
        self.clock, self.log = Clock(), Log()
        self.clock.now = BEGIN
        self.sites = [
            Site(
                f"p{n}",
                self.base,
                self.log,
                self.clock,
                complete=self.complete,
                in_file=self.in_file,
            )
            for n in range(self.portals)
        ]
        self.before: dict[tuple[int, str], list[Row]] = {}
        self.said_at: dict[str, int] = {}  # the latest time of change that was ever shown
        self.doubtful: set[str] = set()

    # What the portals do.

    @initialize()
    def begin(self) -> None:
        """Begin with some dossiers."""
        for n in range(self.portals):
            for code in (*CODES[:3], ALWAYS):
                self.show(n, Row(Fact(code), 1, 0))

    @rule(n=sites, code=codes, what=st.integers(0, 19))
    def correct(self, n: int, code: str, what: int) -> None:
        """Let a dossier say another thing; a new one is filed."""
        row = self.row(n, code) or Row(Fact(code), 1, 0)
        self.show(n, row._replace(fact=row.fact.corrected(what)))

    @rule(n=sites, code=codes, at=st.integers(0, 9))
    def correct_back(self, n: int, code: str, at: int) -> None:
        """Let a dossier say what it said before, or be there again."""
        if was := self.before.get((n % self.portals, code)):
            self.show(n, was[at % len(was)])

    @rule(n=sites, code=codes)
    def set_back(self, n: int, code: str) -> None:
        """Give a dossier back with its old time, as from a backup: that is an older word."""
        if was := self.before.get((n % self.portals, code)):
            site = self.sites[n % self.portals]
            site.rows[code] = was[-1]
            if was[-1].changed_at < self.said_at[code]:
                self.doubtful.add(code)

    @rule(n=sites, code=codes)
    def remove(self, n: int, code: str) -> None:
        """Delete a dossier."""
        self.sites[n % self.portals].rows.pop(code, None)

    @rule(n=sites, code=codes, owner=st.integers(1, 2))
    def give_anew(self, n: int, code: str, owner: int) -> None:
        """Let a code stand for a dossier of an owner, another one perhaps."""
        row = self.row(n, code) or Row(Fact(code), 1, 0)
        self.show(n, row._replace(owner=owner))

    @rule(n=sites, code=codes, odd=st.booleans())
    def spoil(self, n: int, code: str, odd: bool) -> None:
        """Let a row be of no use, or of use again."""
        if row := self.row(n, code):
            self.show(n, row._replace(odd=odd))

    @rule(n=sites)
    def change_the_yaml(self, n: int) -> None:
        """Read odd rows from now on, or no longer."""
        site = self.sites[n % self.portals]
        site.lenient = not site.lenient

    @rule(ms=st.sampled_from([1, 300, 1000, 5000]))
    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.clock.now += ms

    # What the connectors do.

    @rule(n=sites, pages=st.none() | st.integers(1, 3), death=st.integers(-5, 30))
    def read(self, n: int, pages: int | None, death: int) -> None:
        """Read some pages, or all; die on the way, perhaps."""
        self.loop.run(self.sites[n % self.portals].read(pages, death))

    @rule(n=sites, death=st.integers(1, 30))
    def die_often(self, n: int, death: int) -> None:
        """Die at one point again and again."""
        for _ in range(3):
            self.loop.run(self.sites[n % self.portals].read(None, death))

    def teardown(self) -> None:
        """In the end all is read, nothing is read again, and the oracle agrees."""
        try:
            self.settle()
            for site in self.sites:
                again = self.loop.run(site.read())
                assert again == [], f"said again: {again}"
            self.check_letters()
            self.check_owners()
            self.check_figures()
        finally:
            self.loop.close()
            shutil.rmtree(self.base)

    def settle(self) -> None:
        """Read all twice: what changed while it was read, too."""
        for _ in range(2):
            self.clock.now += _SECOND
            for site in self.sites:
                self.loop.run(site.read())

    def check_letters(self) -> None:
        """Open are the letters of the rows that stand there and cannot be used, and no others.

        A portal that gives no complete list never says that a row is gone.
        """
        for site in self.sites:
            letters = [letter for letter in self.log.open() if letter.portal == site.portal]
            opened = {letter.origin.partition("#")[2] for letter in letters}
            if not self.complete:
                opened &= site.rows.keys()
            held = {
                code
                for code, row in site.rows.items()
                if {row.owner} != owners_of(self.log.events, site.portal)[code]
            }
            expected = site.unusable() | (held - site.unusable())
            assert opened == expected, f"{site.deaths}"

    def check_owners(self) -> None:
        """No dossiers of two owners were merged."""
        for site in self.sites:
            for code, owners in owners_of(self.log.events, site.portal).items():
                assert len(owners) <= 1, f"{code} is of {owners}"

    def check_figures(self) -> None:
        """The figures of the dossiers of which there is no doubt are those of the portals."""
        facts: dict[str, Fact] = {}
        skipped = set(self.doubtful)
        if self.portals > 1:  # what a portal said that holds it no longer stands for ever
            skipped |= {code for n, code in self.before if self.row(n, code) is None}
        for site in self.sites:
            skipped |= site.unusable()
            for code, row in site.rows.items():
                if row.owner not in owners_of(self.log.events, site.portal)[code]:
                    skipped.add(code)  # held: the code is another owner's
                if facts.setdefault(code, row.fact) != row.fact:
                    skipped.add(code)
        for code in CODES:
            events = [event for event in self.log.events if event.dossier_code == code]
            gone = code not in facts
            if code in skipped or (gone and not self.complete):
                continue
            expected = counted_by_hand([] if gone else [facts[code]])
            of_domain = counted_by_domain(events, self.clock.now)
            deaths = [site.deaths for site in self.sites]
            assert of_domain == expected, "\n".join(
                [str(facts.get(code)), *map(str, events), str(deaths)]
            )

    # How.

    def row(self, n: int, code: str) -> Row | None:
        return self.sites[n % self.portals].rows.get(code)

    def show(self, n: int, row: Row) -> None:
        """Let a portal show a row as changed just now."""
        code, n = row.fact.code, n % self.portals
        row = row._replace(changed_at=self.clock.now // _SECOND * _SECOND)
        self.sites[n].rows[code] = row
        self.before.setdefault((n, code), []).append(row)
        self.said_at[code] = row.changed_at
        self.doubtful.discard(code)


class Listings(Deaths):
    """The same with complete listings, and known entries in their file."""

    complete = in_file = True


class TwoPortals(Deaths):
    """The same where two portals share their codes."""

    portals = 2


TestDeaths = Deaths.TestCase
TestListings = Listings.TestCase
TestTwoPortals = TwoPortals.TestCase
