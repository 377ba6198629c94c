"""The loop of the kit: what is not said by the contract suite."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest
from pydantic import BaseModel, ValidationError
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


@pytest.mark.parametrize("name", sorted(RunSettings.model_fields))
@pytest.mark.parametrize("value", [-1, 1e300, float("nan"), float("inf"), "often", [1]])
def test_a_setting_of_the_run_that_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        RunSettings(**{name: value})


@pytest.mark.parametrize("value", [1e-9, 0.5, 604_800])
async def test_every_time_and_pace_that_is_taken_works(value: float) -> None:
    pace = min(value, 10_000)
    settings = RunSettings(poll_seconds=value, give_up_seconds=value, pages_per_second=pace)
    odd = Runner(TwoPages(), MemorySink(), MemoryCheckpoints(), key="p", settings=settings)
    stop = asyncio.Event()
    running = asyncio.ensure_future(odd.run(once=False, stop=stop))
    await until("the first page is read", lambda: odd.report.pages > 0)
    stop.set()
    assert (await asyncio.wait_for(running, 5)).records == 0
