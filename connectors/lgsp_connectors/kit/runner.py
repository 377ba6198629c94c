"""The loop of every connector: resume, fetch, map, produce, flush, store the checkpoint.

The order is the guarantee. The checkpoint is stored after everything before it is on the log, so a
crash in between reads the page again: its events have the same ids, nothing is lost.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import structlog

from lgsp.domain.errors import FatalError, RejectedRecord, RetryableError
from lgsp.domain.event import DossierEvent
from lgsp.runtime import metrics
from lgsp.runtime.ending import cancel_tasks
from lgsp.runtime.pace import limiter
from lgsp.runtime.waiting import is_set_within
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.recent import Recent
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.sink import Checkpoints, Sink, payload_of

_MOST_SHOWN = 20  # rejects of one page written out in the log; all are dead letters
_FETCH_ENDS_WITHIN = 4.0  # seconds that a connector may take to give up a page when told to stop
_log = structlog.get_logger()


@dataclass
class Report:
    """Exact counts of one run.

    `duplicates` are events read again and not produced again; `skipped` rows that are no records
    by a rule; `files_refused` files that cannot be used as they stand now, read in this run or
    before. `problem` says why a source that was read to its end does not count as caught up.
    """

    records: int = 0
    events: int = 0
    rejected: int = 0
    duplicates: int = 0
    skipped: int = 0
    files_refused: int = 0
    pages: int = 0
    caught_up: bool = False
    problem: str = ""
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)


class Runner:
    """Runs one connector under one checkpoint key.

    Args:
        connector: whose records are read; closed when the run ends.
        sink: takes events and dead letters.
        checkpoints: keep the cursor.
        key: checkpoint key: the portal, or a backfill of it.
        settings: pacing, polling and limits.
        on_page: called with each page once its checkpoint is stored (progress bars).
    """

    def __init__(
        self,
        connector: Connector,
        sink: Sink,
        checkpoints: Checkpoints,
        *,
        key: str,
        settings: RunSettings,
        on_page: Callable[[Page, Report], None] | None = None,
    ) -> None:
        self._connector, self._sink, self._checkpoints = connector, sink, checkpoints
        self._key, self._settings = key, settings
        self._on_page = on_page or (lambda _page, _report: None)
        self._recent = Recent()
        self._rejects_in_a_row = 0
        self._shown = 0
        self._pace = limiter(settings.pages_per_second)
        self._log = _log.bind(connector=connector.name, portal=key)
        self.caught_up = False
        self.report = Report()

    async def run(
        self, *, once: bool, since: int | None = None, stop: asyncio.Event | None = None
    ) -> Report:
        """Run until caught up (`once`) or until `stop` is set, and give the counts.

        Raises:
            FatalError: the portal stays away, too many rejects in a row, or the log is away; the
                stored checkpoint is valid and the next run goes on from it.
        """
        stop = stop or asyncio.Event()
        started = time.monotonic()
        try:
            cursor = self._checkpoints.load(self._key)
            if cursor is None:
                cursor = self._connector.start(since)
            while not stop.is_set():
                page = await self._fetch(cursor, stop)
                if page is None:
                    break
                await self._take(page)
                await self._sink.flush()
                if page.cursor != cursor:
                    await asyncio.to_thread(self._checkpoints.store, self._key, page.cursor)
                    metrics.CONNECTOR_CHECKPOINT.set_to_current_time()
                cursor = page.cursor
                self.report.seconds = time.monotonic() - started
                self._note_standing(page)
                self._on_page(page, self.report)
                if page.caught_up and once:
                    break
                pause = self._settings.poll_seconds if page.caught_up else page.wait
                await is_set_within(stop, pause)
        except RetryableError as error:
            raise FatalError(f"the log does not take what was read: {error}") from error
        finally:
            await self._connector.close()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _note_standing(self, page: Page) -> None:
        """Tell whether the portal is level: nothing more to read, and nothing in the way."""
        report = self.report
        report.files_refused, report.problem = page.refused, page.problem
        self.caught_up = report.caught_up = page.caught_up and not page.problem
        metrics.CONNECTOR_REFUSED.set(page.refused)
        if self.caught_up:
            metrics.CONNECTOR_CAUGHT_UP.set_to_current_time()

    async def _fetch(self, cursor: Cursor, stop: asyncio.Event) -> Page | None:
        """Read the next page, trying again; None when the stop signal came first."""
        reading = asyncio.create_task(self._read(cursor), name="fetch")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else None
        finally:
            if left := await cancel_tasks((reading, stopping), _FETCH_ENDS_WITHIN):
                self._log.warning("fetch_does_not_end", left=left)

    async def _read(self, cursor: Cursor) -> Page:
        if self._pace is not None:
            await self._pace.acquire()
        return await retried(
            lambda: self._connector.fetch(cursor), give_up_seconds=self._settings.give_up_seconds
        )

    async def _take(self, page: Page) -> None:
        """Map and hand over one page; one canonical log line."""
        started = time.perf_counter()
        report = self.report
        before = (report.events, report.rejected, report.duplicates)
        to_events, is_new, send = self._connector.to_events, self._recent.is_new, self._sink.send
        self._shown = 0
        stated: list[DossierEvent] = []
        for record in page.records:
            try:
                if record.fault is not None:
                    raise record.fault
                stated += to_events(record)
            except RejectedRecord as error:
                await self._reject(record, error)
            else:
                self._rejects_in_a_row = 0
        events = [event for event in stated if is_new(event.event_id)]
        for event in events:
            send(event)
        newest = max((event.occurred_at for event in events), default=0)
        report.events += len(events)
        report.duplicates += len(stated) - len(events)
        report.records += len(page.records)
        report.skipped += page.skipped
        report.pages += 1
        made, rejected, duplicates = (
            now - then
            for now, then in zip(
                (report.events, report.rejected, report.duplicates), before, strict=True
            )
        )
        metrics.CONNECTOR_RECORDS.labels("mapped").inc(len(page.records) - rejected)
        metrics.CONNECTOR_RECORDS.labels("rejected").inc(rejected)
        metrics.CONNECTOR_EVENTS.inc(made)
        metrics.CONNECTOR_DUPLICATES.inc(duplicates)
        if newest:
            metrics.CONNECTOR_NEWEST.set(newest / 1000)
        if page.records:
            self._log.info(
                "page_done",
                records=len(page.records),
                events=made,
                rejected=rejected,
                duplicates=duplicates,
                caught_up=page.caught_up,
                seconds=round(time.perf_counter() - started, 3),
            )

    async def _reject(self, record: Record, error: RejectedRecord) -> None:
        """Reject the record, once while it is remembered: an overlap reads it again and again."""
        report, origin = self.report, record.origin
        # Without a payload (a torn file, a wrong header) only the place tells two rejects apart.
        what = payload_of(record) or origin.encode()
        identity = f"{error.reason}\0{error.field}\0".encode() + what
        if not self._recent.is_new(blake2b(identity, digest_size=16).digest()):
            report.duplicates += 1
            return
        self._sink.reject(record, error)
        report.rejected += 1
        reason = error.reason.value
        report.reasons[reason] = report.reasons.get(reason, 0) + 1
        metrics.REJECTS.labels("connector", reason).inc()
        self._shown += 1
        log = self._log.warning if self._shown <= _MOST_SHOWN else self._log.debug
        log(
            "record_rejected",
            origin=origin,
            reason=reason,
            field=error.field,
            value=error.value,
            detail=error.detail,
        )
        self._rejects_in_a_row += 1
        if self._rejects_in_a_row >= self._settings.max_consecutive_rejects:
            await self._sink.flush()  # the letters are kept, the checkpoint is not
            raise FatalError(
                f"{self._rejects_in_a_row} records in a row were rejected, the last one at"
                f" {origin}: {error}; the mapping or the portal is wrong"
                " (run.max_consecutive_rejects)"
            )
