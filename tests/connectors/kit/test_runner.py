"""The loop of the kit: what is not said by the contract suite."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel
from tests.waiting import until

from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Cursor, Page, Record
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink


class TwoPages:
    """Two empty pages, then level."""

    name: ClassVar[str] = "two-pages"
    settings: ClassVar[type[BaseModel]] = BaseModel

    def start(self, since: int | None) -> Cursor:
        return {"page": "0"}

    async def fetch(self, cursor: Cursor) -> Page:
        page = int(cursor["page"]) + 1
        return Page([], {"page": str(page)}, page == 2)

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        return ()

    async def close(self) -> None:
        return


def runner(pages_per_second: float) -> Runner:
    settings = RunSettings(pages_per_second=pages_per_second)
    return Runner(TwoPages(), MemorySink(), MemoryCheckpoints(), key="p", settings=settings)


async def test_less_than_a_page_a_second_is_a_pace() -> None:
    report = await runner(0.9).run(once=True)
    assert report.caught_up
    assert report.seconds > 1


async def test_a_slow_pace_hears_the_stop_signal() -> None:
    stop = asyncio.Event()
    slow = runner(0.001)
    running = asyncio.ensure_future(slow.run(once=True, stop=stop))
    await until("the first page is read", lambda: slow.report.pages > 0)
    stop.set()
    report = await asyncio.wait_for(running, 2)
    assert (report.pages, report.caught_up) == (1, False)
