"""What `check` reads: the first records of a source, mapped, with all that a person should see."""

import asyncio
from typing import Any

from lgsp.domain.errors import FatalError, RejectedRecord, RetryableError
from lgsp.domain.event import DossierEvent
from lgsp.runtime.clock import now_ms
from lgsp.runtime.personal import mask_file_name
from lgsp_connectors.cli.causes import (
    WideCells,
    by_cause,
    proposed_maps,
    unmapped_words,
    words_of_maps,
)
from lgsp_connectors.kit.contract import Connector, Page, Record, Word
from lgsp_connectors.kit.exchanges import watched
from lgsp_connectors.kit.registry import ConfiguredConnector
from lgsp_connectors.kit.rejects import defect
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.usable import usable_events


class Sample:
    """The first records of a source.

    Args:
        connector: whose records they are.
        most: that many are looked at.
    """

    def __init__(self, connector: Connector, most: int) -> None:
        self.connector, self._most = connector, most
        self.records = self.refused = self.empty = self.newest = 0
        self.problem = ""
        self.events: list[DossierEvent] = []
        self.rejects: list[dict[str, str]] = []
        self.words: list[Word] = []
        self.wide = WideCells()

    async def read(self) -> None:
        """Read until there are enough, or no more; what fails is said in `problem`."""
        cursor = self.connector.start(None)
        try:
            while self.records < self._most:
                page = await retried(
                    lambda at=cursor: self.connector.fetch(at),  # type: ignore[misc]
                    give_up_seconds=0,  # whoever checks wants to know at once
                )
                cursor = page.cursor
                self._take(page)
                if page.caught_up and not page.wait:
                    break
                await asyncio.sleep(page.wait)
        except (FatalError, RetryableError) as error:
            self.problem = str(error)
        finally:
            await self.connector.close()

    def _take(self, page: Page) -> None:
        words_of = getattr(self.connector, "words", lambda _record: ())
        for record in page.records[: self._most - self.records]:
            self.records += 1
            self.wide.see(record.data)
            try:
                if record.fault is None:
                    self.words += words_of(record)
                events = usable_events(self.connector, record, now_ms())
                self.events += events
                if not record.file:  # a file may be of any age
                    self.newest = max(self.newest, *(event.occurred_at for event in events), 0)
            except RejectedRecord as error:
                self.rejects.append(_reject_row(record, error))
            except Exception as error:  # noqa: BLE001 - the author's code: one record's fault
                self.rejects.append(_reject_row(record, defect(error)))
        self.refused, self.empty, self.problem = page.refused, page.empty, page.problem


def take_sample(configured: ConfiguredConnector, most: int) -> dict[str, Any]:
    """Read the first records of a source; give what `check` shows, the events as they are."""
    sample = Sample(configured.build(now_ms, None), most)
    with watched() as exchanges:
        asyncio.run(sample.read())
    words = words_of_maps(sample.words)
    return {
        "portal": configured.head.portal,
        "connector": configured.head.connector,
        "records": sample.records,
        "files_refused": sample.refused,
        "files_empty": sample.empty,
        "problem": sample.problem,
        "request": exchanges[-1]._asdict() if exchanges else None,
        "corrections": getattr(sample.connector, "order", ""),
        "newest": sample.newest or None,
        "events": sample.events,
        "rejects": sample.rejects,
        "causes": by_cause(sample.rejects),
        "unmapped": unmapped_words(sample.rejects),
        "words": words,
        "maps": proposed_maps(words),
        "wide": sample.wide.found(),
    }


def _reject_row(record: Record, error: RejectedRecord) -> dict[str, str]:
    return {
        "origin": mask_file_name(record.origin),
        "reason": str(error.reason),
        "field": error.field,
        "value": error.value,
        "detail": error.detail,
    }
