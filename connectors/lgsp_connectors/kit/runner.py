"""The loop of every connector: resume, fetch, map, produce, flush, store the checkpoint.

The order is the guarantee. The checkpoint is stored after everything before it is on the log, so a
crash in between reads the page again: its events have the same ids, nothing is lost. Where the
source says something else by then, it is stated as the later word (memory/announced.py).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime import metrics
from lgsp.runtime.clock import now_ms
from lgsp.runtime.pace import limiter
from lgsp.runtime.personal import mask_file_name
from lgsp.runtime.stopping.ending import cancel_tasks
from lgsp.runtime.stopping.waiting import is_set_within
from lgsp_connectors.kit.carried import Carried
from lgsp_connectors.kit.clock_watch import ClockWatch
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Cursor, Listing, Page
from lgsp_connectors.kit.memory.filing import Persons
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.known import Known, MemoryKnown
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.rejects import Reject, Rejects
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.sink import Checkpoints, Sink
from lgsp_connectors.kit.status import Speaker
from lgsp_connectors.kit.usable import mapped

_FETCH_ENDS_WITHIN = 4.0  # seconds that a connector may take to give up a page when told to stop
_PATIENCE = 60.0  # seconds for which a run that is to end waits for what is still being written
_log = structlog.get_logger()


class Runner:
    """Runs one connector under one checkpoint key.

    Args:
        connector: whose records are read; closed when the run ends.
        sink: takes events and dead letters.
        checkpoints: keep the cursor.
        key: checkpoint key: the portal, or a backfill of it.
        settings: pacing, polling and limits.
        standing: rejects that were told already; a memory of this run when it is left out.
        known: what the portal has stated before; a memory of this run when it is left out.
        recall: makes known what the log tells, where there is a checkpoint and nothing is known.
        persons: digests the personal data of an event, to see that it changed.
        yaml: fingerprint of how records are read; when it changes, what cannot be used is told
            once more.
        speaker: is told how the source stands.
        on_page: called with each page once its checkpoint is stored (progress bars).
        report: is counted on; None: a new one.
        clock: gives now in ms UTC; nothing can have been observed later.
    """

    def __init__(
        self,
        connector: Connector,
        sink: Sink,
        checkpoints: Checkpoints,
        *,
        key: str,
        settings: RunSettings,
        standing: StandingRejects | None = None,
        known: Known | None = None,
        recall: Callable[[Known], Awaitable[None]] | None = None,
        persons: Persons | None = None,
        speaker: Speaker | None = None,
        yaml: str = "",
        on_page: Callable[[Page, Report], None] | None = None,
        report: Report | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._connector, self._sink, self._checkpoints = connector, sink, checkpoints
        self._key, self._settings, self._clock = key, settings, clock
        self._on_page = on_page or (lambda _page, _report: None)
        self._speaker = speaker or Speaker(key, clock, lambda _key, _status: None, settings)
        self._standing = StandingRejects() if standing is None else standing
        self._known, self._recall = known or MemoryKnown(), recall
        self._fresh = Fresh(self._known, persons)
        self._yaml, self._begun, self._rejects_in_a_row = yaml, False, 0
        self._watch = ClockWatch()
        self._pace = limiter(settings.pages_per_second)
        self._log = _log.bind(connector=connector.name, portal=key)
        self._rejects = Rejects(self._standing, sink, self._fresh, self._log)
        self.caught_up, self.report = False, report or Report()

    async def run(
        self, *, once: bool, since: int | None = None, stop: asyncio.Event | None = None
    ) -> Report:
        """Run until caught up (`once`) or until `stop` is set, and give the counts.

        Raises:
            FatalError: the portal stays away, or too many rejects in a row.
            RetryableError: the log is away. The next run goes on from the stored checkpoint.
        """
        stop = stop or asyncio.Event()
        started, patience = time.monotonic(), _PATIENCE
        try:
            stored = await asyncio.to_thread(self._checkpoints.load, self._key)
            cursor = self._resume(stored, since)
            if self._recall and stored and self._known.missing("") == ([], 0):
                await self._recall(self._known)
            while not stop.is_set():
                page = await self._fetch(cursor, stop)
                if page is None:
                    break
                await self._take(page, cursor)
                await self._settle(page, cursor)
                cursor = page.cursor
                self.report.seconds = time.monotonic() - started
                self._note_standing(page)
                self._on_page(page, self.report)
                if not page.caught_up:
                    continue
                if not once:
                    await is_set_within(stop, self._settings.poll_seconds)
                elif 0 < page.wait <= patience:
                    patience -= page.wait
                    await is_set_within(stop, page.wait)
                else:
                    break
        except RetryableError as error:
            raise RetryableError(f"the log does not take what was read: {error}") from error
        finally:
            self._standing.drop()
            await self._connector.close()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _resume(self, stored: Cursor | None, since: int | None) -> Cursor:
        """Give where to go on, with what the checkpoint carries."""
        cursor = dict(stored or {})
        carried = Carried.taken_from(cursor)
        anew = self._rejects.resume(carried.sent, carried.reading, self._yaml, cursor)
        if anew:
            self._known.reset()  # it is of another log, or of another state of this one
        self._watch = ClockWatch(carried.ages)
        self.report.not_removed = carried.not_removed
        self._begun = not anew and carried.reading == self._rejects.reading
        return cursor or self._connector.start(since)

    async def _settle(self, page: Page, before: Cursor) -> None:
        """Wait until the log has the page, then keep what is known of it and the checkpoint."""
        self._standing.prepare()
        await self._sink.flush()
        self._fresh.keep(page.listing)
        if page.caught_up:
            self._watch.end_pass(self._clock())
        if page.listing is not None and page.listing.ended:
            await self._remove(page.listing)
        if page.cursor != before or self._standing.pending:
            await self._store(page.cursor)

    async def _store(self, cursor: Cursor) -> None:
        """Store the checkpoint, then keep what stands before it."""
        carried = Carried(
            self._standing.token(),
            self._rejects.reading,
            self._watch.text(),
            mask_file_name(self.report.not_removed),
        )
        self._standing.prepare()
        await asyncio.to_thread(self._checkpoints.store, self._key, carried.beside(cursor))
        self._standing.keep()
        self.report.letters_closed += await self._rejects.close_over()
        self._begun = True
        metrics.CONNECTOR_CHECKPOINT.set_to_current_time()

    async def _remove(self, listing: Listing) -> None:
        """State that what the ended listing does not hold is gone."""
        events, problem = self._fresh.gone(listing, self._clock())
        if problem is not None:
            self.report.not_removed = problem
        if problem:
            self._log.error("nothing_removed", listing=listing.name, reason=problem)
        elif problem is not None:
            self._rejects.listed(listing)
        if not events:
            return
        for event in events:
            self._sink.send(event)
        await self._sink.flush()
        self._fresh.forget(events)
        self.report.removed += len(events)
        self.report.events += len(events)
        self._log.info("dossiers_removed", listing=listing.name, count=len(events))

    def _note_standing(self, page: Page) -> None:
        """Tell whether the portal is level: nothing more to read, and nothing in the way."""
        report = self.report
        report.files_refused, report.files_empty = page.refused, page.empty
        report.problem = page.problem
        report.conflicts = self._fresh.disputed
        if self._watch.problem and not report.clock:
            self._log.warning("clock_in_doubt", reason=self._watch.problem)
        report.clock = self._watch.problem
        self.caught_up = report.caught_up = page.caught_up and not page.problem
        metrics.CONNECTOR_REFUSED.set(page.refused)
        if self.caught_up:
            metrics.CONNECTOR_CAUGHT_UP.set_to_current_time()
        self._speaker.say(report, page.total - page.done if page.total else None)

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
            lambda: self._connector.fetch(cursor),
            give_up_seconds=self._settings.give_up_seconds,
            failed=self._speaker.fail,
        )

    async def _take(self, page: Page, before: Cursor) -> None:
        """Map and hand over one page: what is good first, then what is not; one log line."""
        started = time.perf_counter()
        report = self.report
        counts = (report.events, report.rejected, report.duplicates)
        stated, used, rejects = mapped(self._connector, page.records, self._clock())
        if stated and not self._begun:  # what it states and closes is of this memory and YAML
            await self._store(before)
        events = self._fresh.of(
            stated,
            whole=page.whole,
            listing=page.listing,
            files=[record.file for record in used],
        )
        for place, error in sorted(self._fresh.conflicts.items(), reverse=True):
            rejects.append((used.pop(place), error))
            stated.pop(place)
        for event in events:
            self._sink.send(event)
        newest = max((event.occurred_at for event in events), default=0)
        if page.records and not page.records[0].file:  # a file may always be as old
            self._watch.see(newest)
        report.events += len(events)
        report.unordered += self._fresh.unordered
        report.duplicates += max(0, sum(map(len, stated)) - len(events))
        if page.listing is not None:
            self._fresh.seen((error for _, error in rejects), page.listing)
        new_rejects = self._rejects.take(page, list(zip(used, stated, strict=True)), rejects)
        report.count_rejects((error.reason for _, error in new_rejects), len(rejects))
        report.records += len(page.records)
        report.skipped += page.skipped
        report.pages += 1
        produced, rejected, duplicates = (
            now - then
            for now, then in zip(
                (report.events, report.rejected, report.duplicates), counts, strict=True
            )
        )
        metrics.CONNECTOR_RECORDS.labels("mapped").inc(len(page.records) - rejected)
        metrics.CONNECTOR_RECORDS.labels("rejected").inc(rejected)
        metrics.CONNECTOR_EVENTS.inc(produced)
        metrics.CONNECTOR_DUPLICATES.inc(duplicates)
        if newest:
            metrics.CONNECTOR_NEWEST.set(newest / 1000)
        if page.records:
            self._log.info(
                "page_done",
                records=len(page.records),
                events=produced,
                rejected=rejected,
                duplicates=duplicates,
                caught_up=page.caught_up,
                seconds=round(time.perf_counter() - started, 3),
            )
        if len(rejects) < len(page.records):
            self._rejects_in_a_row = 0
        elif new_rejects:
            await self._count_in_a_row(new_rejects)

    async def _count_in_a_row(self, rejects: Sequence[Reject]) -> None:
        """Count a page that had nothing usable; give up when that goes on for too long."""
        self._rejects_in_a_row += len(rejects)
        if self._rejects_in_a_row >= self._settings.max_consecutive_rejects:
            self._standing.prepare()
            await self._sink.flush()  # the letters are kept, the checkpoint is not
            record, error = rejects[-1]
            raise FatalError(
                f"{self._rejects_in_a_row} records in a row were rejected, the last one at"
                f" {mask_file_name(record.origin)}: {error}; the mapping or the portal is wrong"
                " (run.max_consecutive_rejects)"
            )
