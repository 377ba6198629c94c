"""A connector ends when it is told to, in whatever turn of its loop, whatever its portal does."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from tests.turns import VirtualLoop, cancelled_in_every_turn, in_every_turn

from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Cursor, Page, Record
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink


class Quiet:
    """A portal that answers after some turns of the loop, and never has anything."""

    name: ClassVar[str] = "quiet"
    settings: ClassVar[type[BaseModel]] = BaseModel
    closed = False

    def start(self, _since: int | None) -> Cursor:
        return {"at": "0"}

    async def fetch(self, cursor: Cursor) -> Page:
        for _ in range(3):
            await asyncio.sleep(0)
        return Page((), cursor, caught_up=True)

    def to_events(self, _record: Record) -> Sequence[DossierEvent]:
        return []

    async def close(self) -> None:
        self.closed = True


class Deaf(Quiet):
    """Its fetch swallows one cancellation after the other."""

    async def fetch(self, cursor: Cursor) -> Page:
        for _ in range(3):
            try:
                await asyncio.sleep(1e6)
            except asyncio.CancelledError:
                continue
        return Page((), cursor, caught_up=True)


class Site:
    """A running connector, and the order to stop it."""

    def __init__(self, connector: Quiet | None = None, **settings: float) -> None:
        self.connector = connector or Quiet()
        self.settings = RunSettings(**{"poll_seconds": 60.0} | settings)
        self._stop: Callable[[], None] = lambda: None

    def stop(self) -> None:
        self._stop()

    async def run(self) -> Report:
        stop = asyncio.Event()
        self._stop = stop.set
        journal: list[str] = []
        runner = Runner(
            self.connector,
            MemorySink(journal),
            MemoryCheckpoints(journal),
            key="quiet",
            settings=self.settings,
        )
        return await runner.run(once=False, stop=stop)


def test_a_cancelled_connector_ends_in_whatever_turn_it_comes() -> None:
    assert cancelled_in_every_turn(lambda: Site().run(), most=60) == 60


def test_an_order_to_stop_ends_it_in_whatever_turn_it_comes() -> None:
    sites: list[Site] = []

    def make() -> Coroutine[Any, Any, Report]:
        sites.append(Site())
        return sites[-1].run()

    def check(task: asyncio.Task[Report]) -> None:
        assert task.exception() is None
        assert sites[-1].connector.closed

    def order(_task: asyncio.Task[Report]) -> None:
        asyncio.get_running_loop().call_soon(sites[-1].stop)  # it may just be about to begin

    assert in_every_turn(make, order, check, most=60) == 60


def stopped_after(site: Site, seconds: float) -> float:
    """Run, give the order after some seconds; return the virtual seconds until it has ended."""
    loop = VirtualLoop()
    loop.call_later(seconds, site.stop)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(site.run())
        return loop.time() - seconds


def test_an_order_to_stop_does_not_wait_for_the_pace() -> None:
    site = Site(pages_per_second=1, poll_seconds=0.01)
    assert stopped_after(site, 0.5) < 0.1


def test_a_portal_that_does_not_let_go_holds_it_up_for_seconds_only() -> None:
    site = Site(Deaf())
    assert stopped_after(site, 1) <= 4
    assert site.connector.closed
