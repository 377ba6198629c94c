"""The loop of every connector: resume, fetch, map, produce, flush, store the checkpoint.

The order is the guarantee. The checkpoint is stored after everything before it is on the log, so a
crash in between reads the page again: its events have the same ids, nothing is lost.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import structlog

from lgsp.domain.errors import (
    FatalError,
    LgspError,
    RejectedRecord,
    RejectReason,
    RetryableError,
)
from lgsp.domain.event import DossierEvent
from lgsp.runtime import metrics
from lgsp.runtime.clock import now_ms
from lgsp.runtime.ending import cancel_tasks
from lgsp.runtime.pace import limiter
from lgsp.runtime.waiting import is_set_within
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.fresh import Fresh, Personal
from lgsp_connectors.kit.known import Known, MemoryKnown
from lgsp_connectors.kit.retry import retried
from lgsp_connectors.kit.sent import Sent
from lgsp_connectors.kit.sink import Checkpoints, Sink, payload_of
from lgsp_connectors.kit.usable import usable_events

_MOST_SHOWN = 20  # rejects of one page written out in the log; all are dead letters
_FETCH_ENDS_WITHIN = 4.0  # seconds that a connector may take to give up a page when told to stop
_SENT = "~sent"  # in the stored cursor, beside the connector's own keys
Reject = tuple[Record, RejectedRecord]
_PATIENCE = 60.0  # seconds for which a run that is to end waits for what is still being written
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
        sent: rejects that are on the log already; a memory of this run when it is left out.
        known: what the portal has stated before; a memory of this run when it is left out.
        personal: digests the personal data of an event, to see that it changed.
        on_page: called with each page once its checkpoint is stored (progress bars).
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
        sent: Sent | None = None,
        known: Known | None = None,
        personal: Personal | None = None,
        on_page: Callable[[Page, Report], None] | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._connector, self._sink, self._checkpoints = connector, sink, checkpoints
        self._key, self._settings = key, settings
        self._on_page = on_page or (lambda _page, _report: None)
        self._clock = clock
        self._sent = sent or Sent()
        self._known = known or MemoryKnown()
        self._fresh = Fresh(self._known, personal)
        self._rejects_in_a_row = 0
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
        started, patience = time.monotonic(), _PATIENCE
        try:
            stored = self._checkpoints.load(self._key)
            if self._sent.resume((stored or {}).get(_SENT, "")):
                self._known.reset()  # it is of another log, or of another state of this one
            if stored is None:
                cursor = self._connector.start(since)
            else:
                cursor = {name: value for name, value in stored.items() if name != _SENT}
            while not stop.is_set():
                page = await self._fetch(cursor, stop)
                if page is None:
                    break
                await self._take(page)
                await self._sink.flush()
                self._fresh.keep()
                if page.cursor != cursor or self._sent.pending:
                    after = {**page.cursor, _SENT: self._sent.token()}
                    await asyncio.to_thread(self._checkpoints.store, self._key, after)
                    self._sent.keep()
                    metrics.CONNECTOR_CHECKPOINT.set_to_current_time()
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
            raise FatalError(f"the log does not take what was read: {error}") from error
        finally:
            self._sent.drop()
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
        """Map and hand over one page: what is good first, then what is not; one log line."""
        started = time.perf_counter()
        report = self.report
        before = (report.events, report.rejected, report.duplicates)
        stated, rejects = self._mapped(page)
        events = self._fresh.of(stated, whole=page.whole)
        for event in events:
            self._sink.send(event)
        newest = max((event.occurred_at for event in events), default=0)
        report.events += len(events)
        report.duplicates += max(0, sum(map(len, stated)) - len(events))
        new_rejects = self._reject(rejects)
        report.records += len(page.records)
        report.skipped += page.skipped
        report.pages += 1
        produced, rejected, duplicates = (
            now - then
            for now, then in zip(
                (report.events, report.rejected, report.duplicates), before, strict=True
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

    def _mapped(self, page: Page) -> tuple[list[Sequence[DossierEvent]], list[Reject]]:
        """Give what each record of the page states, and the rejects in order."""
        now = self._clock()
        stated: list[Sequence[DossierEvent]] = []
        rejects: list[Reject] = []
        for record in page.records:
            try:
                stated.append(usable_events(self._connector, record, now))
            except RejectedRecord as error:
                rejects.append((record, error))
            except (LgspError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 - the author's code: one record's fault
                rejects.append((record, _defect(error)))
        return stated, rejects

    def _reject(self, rejects: Sequence[Reject]) -> list[Reject]:
        """Reject each record once, however often an overlap reads it; give those that are new."""
        report = self.report
        ids = [_identity(record, error) for record, error in rejects]
        fresh = self._sent.fresh(ids)
        new: list[Reject] = []
        for id_, (record, error) in zip(ids, rejects, strict=True):
            if id_ not in fresh:
                report.duplicates += 1
                continue
            fresh.remove(id_)
            new.append((record, error))
            self._sink.reject(record, error)
            report.rejected += 1
            reason = error.reason.value
            report.reasons[reason] = report.reasons.get(reason, 0) + 1
            metrics.REJECTS.labels("connector", reason).inc()
            log = self._log.warning if len(new) <= _MOST_SHOWN else self._log.debug
            log(
                "record_rejected",
                origin=record.origin,
                reason=reason,
                field=error.field,
                value=error.value,
                detail=error.detail,
            )
        return new

    async def _count_in_a_row(self, rejects: Sequence[Reject]) -> None:
        """Count a page that had nothing usable; give up when that goes on for too long."""
        self._rejects_in_a_row += len(rejects)
        if self._rejects_in_a_row >= self._settings.max_consecutive_rejects:
            await self._sink.flush()  # the letters are kept, the checkpoint is not
            record, error = rejects[-1]
            raise FatalError(
                f"{self._rejects_in_a_row} records in a row were rejected, the last one at"
                f" {record.origin}: {error}; the mapping or the portal is wrong"
                " (run.max_consecutive_rejects)"
            )


def _identity(record: Record, error: RejectedRecord) -> bytes:
    """Give 16 bytes that stand for the reject."""
    # Without a payload (a torn file, a wrong header) only the place tells two rejects apart.
    what = payload_of(record) or record.origin.encode()
    identity = f"{error.reason}\0{error.field}\0".encode() + what
    return blake2b(identity, digest_size=16).digest()


def _defect(error: Exception) -> RejectedRecord:
    """Say where code failed on a record; never its message, which may quote the record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if f.name == "to_events"), frames[-1])
    detail = f"{type(error).__name__} in {_place(frames[-1])}"
    if place is not frames[-1]:
        detail += f", from {_place(place)}"
    return RejectedRecord(RejectReason.DEFECT, detail=detail)


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno} ({frame.name})"
