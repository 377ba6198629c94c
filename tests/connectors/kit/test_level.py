"""When a source counts as level, and what a run tells about what it could not use."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel
from tests.waiting import until

from lgsp.domain.event import DossierEvent
from lgsp.runtime import metrics
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Cursor, Page, Record
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink


class Scripted:
    """Gives the pages it was told to give, the last one again and again."""

    name: ClassVar[str] = "scripted"
    settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, *pages: Page) -> None:
        self.pages, self.given = pages, 0

    def start(self, since: int | None) -> Cursor:
        return {}

    async def fetch(self, cursor: Cursor) -> Page:
        self.given += 1
        return self.pages[min(self.given, len(self.pages)) - 1]

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        return ()

    async def close(self) -> None:
        return


def runner(*pages: Page, poll_seconds: float = 60) -> Runner:
    settings = RunSettings(poll_seconds=poll_seconds)
    return Runner(Scripted(*pages), MemorySink(), MemoryCheckpoints(), key="p", settings=settings)


def caught_up_at() -> float:
    return float(metrics.CONNECTOR_CAUGHT_UP._value.get())


async def test_a_source_with_a_problem_is_read_to_its_end_and_not_level() -> None:
    metrics.CONNECTOR_CAUGHT_UP.set(0)
    report = await runner(Page([], {}, True, problem="no file matches")).run(once=True)
    assert (report.caught_up, report.problem) == (False, "no file matches")
    assert caught_up_at() == 0


async def test_a_service_with_a_problem_goes_on_looking_until_it_is_gone() -> None:
    metrics.CONNECTOR_CAUGHT_UP.set(0)
    stop = asyncio.Event()
    looking = runner(
        Page([], {}, True, problem="no file matches"),
        Page([], {"a": "1"}, True),
        poll_seconds=0.01,
    )
    running = asyncio.ensure_future(looking.run(once=False, stop=stop))
    await until("it is level", lambda: looking.caught_up)
    stop.set()
    report = await running
    assert (report.caught_up, report.problem) == (True, "")
    assert caught_up_at() > 0


async def test_what_was_skipped_and_refused_is_counted() -> None:
    report = await runner(
        Page([], {"a": "1"}, False, skipped=2, refused=1),
        Page([], {"a": "2"}, True, skipped=3, refused=2),
    ).run(once=True)
    assert (report.skipped, report.files_refused, report.caught_up) == (5, 2, True)
    assert metrics.CONNECTOR_REFUSED._value.get() == 2


async def test_what_is_being_written_is_waited_for() -> None:
    waiting = runner(
        Page([], {}, True, wait=0.05), Page([], {}, True, wait=0.04), Page([], {}, True)
    )
    report = await waiting.run(once=True)
    assert report.pages == 3
    assert report.seconds >= 0.09


async def test_what_is_always_being_written_is_left_to_the_next_run() -> None:
    waiting = runner(Page([], {}, True, wait=0.05), Page([], {}, True, wait=90))
    report = await waiting.run(once=True)
    assert (report.pages, report.caught_up) == (2, True)
