"""Makes evidence durable: one thread, one transaction for all that has gathered meanwhile.

So many callers share one wait for the disk. What a caller awaits is durable when it goes on.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

import structlog
from sqlalchemy import Engine

from lgsp.domain.errors import FatalError
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind
from lgsp.runtime import metrics
from lgsp.runtime.store_away import StoreAway
from lgsp.store.evidence.keeping import append, stored_head
from lgsp.store.presence import as_store_error

_MOST_AT_ONCE = 1000  # entries in one transaction
_GATHER = 0.004  # seconds in which others join a transaction: the disk is waited for less often
_TRY_EVERY = 0.5  # seconds between attempts while the store is away
_CLOSE_WITHIN = 3.0  # seconds for what is left when the worker ends


class _Waiting(NamedTuple):
    """An entry to be written; `future` is of `loop`, None: nobody waits."""

    entry: EvidenceEntry
    patient: bool
    loop: asyncio.AbstractEventLoop | None = None
    future: "asyncio.Future[None] | None" = None


class EvidenceWriter:
    """Writes for one process; use as a context manager, entered before the loop runs.

    Args:
        engine: the store of evidence.
        clock: gives now in ms UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], int]) -> None:
        self._engine, self._clock = engine, clock
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="evidence", daemon=True)
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._file = Path(file) if file else None
        self._log = structlog.get_logger().bind(part="evidence")
        for kind in EvidenceKind:
            metrics.EVIDENCE_ROWS.labels(kind.value)
        self._head = stored_head(engine)  # as this process last knew it
        self._which = self._file_id()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Write what is left; what cannot be within three seconds is logged as lost."""
        self._closing.set()
        with self._lock:
            self._broken = self._broken or FatalError("the worker ends")
            self._queue.put(None)
        self._thread.join(_CLOSE_WITHIN + 12)  # a transaction under way may wait for its lock

    async def write(self, entry: EvidenceEntry, *, patient: bool = False) -> None:
        """Return when the entry is durable.

        Args:
            entry: what is to be kept.
            patient: it has happened, so it is written once the store is back, and this waits;
                else it is about to happen, and must not when this raises.

        Raises:
            StoreAway: it was not written; not for a patient one.
            FatalError: nothing is written any more.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._put(_Waiting(entry, patient, loop, future))
        await future

    def leave(self, entry: EvidenceEntry) -> None:
        """Have the entry written, before any that comes later; nobody waits for it."""
        self._put(_Waiting(entry, patient=True))

    def _put(self, waiting: _Waiting) -> None:
        with self._lock:  # so that nothing is left in a queue that nobody empties
            if self._broken is not None:
                raise FatalError(f"evidence is not written any more: {self._broken}")
            self._queue.put(waiting)

    def _break(self, batch: Sequence[_Waiting], error: BaseException) -> None:
        """Tell all who wait, now or later, that nothing is written any more."""
        with self._lock:
            self._broken = error
            left, _ = self._gather(wait=False)
        self._resolve([*batch, *left], error)
        self._lose([*batch, *left], error)

    def _work(self) -> None:
        kept: list[_Waiting] = []
        give_up_at, ended = 0.0, False
        while not ended or kept:
            new, last = self._gather(wait=not kept)
            ended, batch = ended or last, [*kept, *new]
            if not batch:
                continue
            try:
                self._append([waiting.entry for waiting in batch])
            except Exception as error:  # noqa: BLE001 - the end of the thread
                known = as_store_error(error, self._engine.url) or FatalError(
                    f"evidence cannot be written: {type(error).__name__}: {error}"
                )
                if not isinstance(known, StoreAway):
                    self._break(batch, known)
                    return
                self._resolve([waiting for waiting in batch if not waiting.patient], known)
                kept = [waiting for waiting in batch if waiting.patient]
                if self._closing.is_set():
                    give_up_at = give_up_at or time.monotonic() + _CLOSE_WITHIN
                    if time.monotonic() > give_up_at:
                        self._break(kept, known)
                        return
                time.sleep(_TRY_EVERY)
            else:
                kept = []
                self._resolve(batch, None)

    def _gather(self, *, wait: bool) -> tuple[list[_Waiting], bool]:
        """Return what is to be written now, and whether no more will come."""
        found: list[_Waiting] = []
        while len(found) < _MOST_AT_ONCE:
            try:
                waiting = self._queue.get(block=wait and not found)
            except Empty:
                break
            if waiting is None:
                return found, True
            found.append(waiting)
            if wait and len(found) == 1 and not self._closing.is_set():
                time.sleep(_GATHER)
        return found, False

    def _append(self, entries: Sequence[EvidenceEntry]) -> None:
        if self._file_id() != self._which:
            raise FatalError(
                f"the evidence {self._file} was replaced or removed while it was in use"
            )
        began = time.perf_counter()
        with self._engine.begin() as connection:
            head = append(connection, entries, self._clock(), self._head)
        self._head = head
        metrics.EVIDENCE_WRITE_SECONDS.observe(time.perf_counter() - began)
        for kind, count in Counter(entry.kind for entry in entries).items():
            metrics.EVIDENCE_ROWS.labels(kind).inc(count)

    def _file_id(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _lose(self, waiting: Sequence[_Waiting], error: BaseException) -> None:
        for each in waiting:
            if each.patient:
                self._log.error(
                    "evidence_not_written",
                    dossier=each.entry.dossier,
                    service=each.entry.service,
                    judged=each.entry.judged,
                    reason=str(error),
                )

    def _resolve(self, batch: Sequence[_Waiting], error: BaseException | None) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for waiting in batch:
            if waiting.loop is not None and waiting.future is not None:
                loops.setdefault(waiting.loop, []).append(waiting.future)
        for loop, futures in loops.items():
            try:
                loop.call_soon_threadsafe(_resolve_all, futures, error)
            except RuntimeError:  # the loop has ended: nobody waits any more
                continue


def _resolve_all(futures: Sequence["asyncio.Future[None]"], error: BaseException | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
