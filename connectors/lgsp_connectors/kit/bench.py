"""Runs of a connector in a test: what sink, checkpoints and memory keep survives a crash."""

import asyncio

from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Page
from lgsp_connectors.kit.memory.known import MemoryKnown
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink

KEY = "test-portal"


class Bench:
    """Sink, checkpoints, memory and runs of one test; what they keep survives a crash."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.standing = StandingRejects()
        self.known = MemoryKnown()
        self.checkpoints = MemoryCheckpoints(self.journal)
        self.sink = MemorySink(self.journal)

    async def run(
        self,
        connector: Connector,
        *,
        pages: int | None = None,
        give_up_seconds: float = 20,
        most_rejects: int = 100,
    ) -> Report:
        """Run until caught up, or as a service that is told to stop after `pages` pages."""
        stop = asyncio.Event()

        def count(_page: Page, report: Report) -> None:
            if report.pages == pages:
                stop.set()

        sink = MemorySink(self.journal)
        sink.events, sink.rejects = self.sink.events, self.sink.rejects
        sink.letters = self.sink.letters
        settings = RunSettings(
            give_up_seconds=give_up_seconds, max_consecutive_rejects=most_rejects
        )
        runner = Runner(
            connector,
            sink,
            self.checkpoints,
            key=KEY,
            settings=settings,
            standing=self.standing,
            known=self.known,
            on_page=count,
        )
        return await runner.run(once=pages is None, stop=stop)
