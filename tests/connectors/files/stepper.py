"""A run of the kit taken page by page, which may die at each point where a process may."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import structlog

from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.known import MemoryKnown
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink

_KEY = "p"
_SETTINGS = RunSettings(poll_seconds=1e-6, give_up_seconds=1e-6)

DEATHS = ("before the log has the page", "before it is known", "before the checkpoint")


class _Died(Exception):  # noqa: N818 - it is what happens to the process
    """The process ends here."""


class _Mortal:
    """Dies once, at the point that was asked for."""

    def __init__(self) -> None:
        self.at = ""

    def here(self, point: str) -> None:
        if self.at == point:
            raise _Died(point)


class _Sink(MemorySink):
    def __init__(
        self, mortal: _Mortal, events: list[DossierEvent], letters: dict[str, Record]
    ) -> None:
        super().__init__()
        self.events, self._mortal = events, mortal
        self.letters = letters

    async def flush(self) -> None:
        self._mortal.here(DEATHS[0])
        await super().flush()


class _Known(MemoryKnown):
    def __init__(self, mortal: _Mortal) -> None:
        super().__init__()
        self._mortal = mortal

    def keep(self, entries: Mapping[str, Entry], seen: Collection[str], listing: str) -> None:
        self._mortal.here(DEATHS[1])
        super().keep(entries, seen, listing)


class _Checkpoints(MemoryCheckpoints):
    def __init__(self, mortal: _Mortal) -> None:
        super().__init__()
        self._mortal = mortal

    def store(self, key: str, cursor: Cursor) -> None:
        self._mortal.here(DEATHS[2])
        super().store(key, cursor)


class _Gated:
    """A connector that reads when it is told to."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.gate = asyncio.Semaphore(0)
        self.page: Page | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def fetch(self, cursor: Cursor) -> Page:
        await self.gate.acquire()
        self.page = await self._connector.fetch(cursor)
        return self.page


class Stepper:
    """Runs connectors one after another on one memory, each page when it is asked for.

    `events` is the log, `letters` are the records whose letters are open; `deaths` counts how
    often a process has died.
    """

    def __init__(self) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self._loop = asyncio.Runner()
        self._mortal = _Mortal()
        self._known, self._standing = _Known(self._mortal), StandingRejects()
        self._checkpoints = _Checkpoints(self._mortal)
        self._gated: _Gated | None = None
        self._running: asyncio.Task[Report] | None = None
        self._done = asyncio.Event()
        self.events: list[DossierEvent] = []
        self.letters: dict[str, Record] = {}
        self.deaths = 0
        self.report = Report()
        self.level = False

    def begin(self, connector: Connector, clock: Any) -> None:
        """Begin with a new process, after the one before has ended."""
        self.end()
        self._loop.run(self._begin(connector, clock))

    def page(self, death: str = "") -> Sequence[Record]:
        """Read a page; give its records. With a death the process has ended afterwards."""
        assert self._gated is not None
        self._mortal.at = death
        self._loop.run(self._page())
        self._mortal.at = ""
        page = self._gated.page
        assert page is not None
        self.level = page.caught_up and not death
        return page.records

    def end(self) -> None:
        """End the process between two pages."""
        if self._running is not None:
            self._loop.run(self._end())

    def close(self) -> None:
        """End for good."""
        self.end()
        self._loop.close()

    async def _begin(self, connector: Connector, clock: Any) -> None:
        self._gated = _Gated(connector)
        runner = Runner(
            cast(Connector, self._gated),
            _Sink(self._mortal, self.events, self.letters),
            self._checkpoints,
            key=_KEY,
            settings=_SETTINGS,
            standing=self._standing,
            known=self._known,
            on_page=self._note,
            clock=clock,
        )
        self._running = asyncio.create_task(runner.run(once=False))

    def _note(self, _page: Page, report: Report) -> None:
        self.report = report
        self._done.set()

    async def _page(self) -> None:
        assert self._gated is not None
        assert self._running is not None
        self._done.clear()
        self._gated.gate.release()
        done = asyncio.create_task(self._done.wait())
        await asyncio.wait({done, self._running}, return_when=asyncio.FIRST_COMPLETED)
        done.cancel()
        if self._running.done():
            try:
                self._running.result()
            except _Died:
                self.deaths += 1
            self._running = None

    async def _end(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait({self._running})
        self._running = None
