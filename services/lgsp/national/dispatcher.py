"""Drains the sync queue: takes what is due, pushes several dossiers at once, settles in groups.

One dossier is pushed by one conversation at a time; a dossier that fails waits by itself.
Results go to Kafka only after the store has them (an outbox), so a crash repeats a result and
never loses one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.status import Status, StatusSemantics
from lgsp.national import acknowledged
from lgsp.national.breaker import Breaker
from lgsp.national.catalogue import Catalogue
from lgsp.national.client import NationalClient
from lgsp.national.conversation import Conversation, PersonOpener
from lgsp.national.pushed import DONE, Pushed, PushResult
from lgsp.national.results import encode_result
from lgsp.national.retries import Retries
from lgsp.runtime import metrics
from lgsp.runtime.stopping.waiting import is_set_within
from lgsp.store.rates.layout import decode as decode_dossier
from lgsp.store.sync.queue import SyncQueue
from lgsp.store.sync.rows import Outgoing, Settled, Waiting
from lgsp.store.sync.tables import QueueState

_TAKE_AT_ONCE = 512  # dossiers in memory at once: enough to gather settlements while pushes go on
_GATHER = 0.02  # seconds in which finished pushes join one transaction
_ASK_EVERY = 0.25  # seconds between looks for dossiers whose waiting time is over
_SEND_AT_ONCE = 2000
_SEND_EVERY = 0.25  # seconds in which results join one flush

ResultSink = Callable[[Sequence[Outgoing]], Awaitable[None]]  # returns once they are durable


class Dispatcher:
    """Runs until cancelled.

    Args:
        queue: the store's side; its `on_change` is taken over.
        client: the portal, opened by the caller.
        statuses: what the dossiers' statuses mean.
        retries: waiting times and budget.
        open_person: opens the sealed personal fields.
        send_results: sends results to Kafka.
        clock: gives now in ms UTC.
        concurrency: dossiers pushed at once.
        breaker: shared pause of all pushes.
    """

    def __init__(
        self,
        queue: SyncQueue,
        client: NationalClient,
        statuses: StatusSemantics,
        retries: Retries,
        open_person: PersonOpener,
        send_results: ResultSink,
        clock: Callable[[], int],
        *,
        concurrency: int,
        breaker: Breaker | None = None,
    ) -> None:
        self._queue = queue
        self._client = client
        self._statuses = statuses
        self._catalogue = Catalogue(client)
        self._retries = retries
        self._open_person = open_person
        self._send_results = send_results
        self._clock = clock
        self._concurrency = concurrency
        self._breaker = breaker or Breaker()
        self._in_flight: set[str] = set()
        self._more = False  # the last look for due dossiers did not show them all
        self._todo: asyncio.Queue[Waiting] = asyncio.Queue()
        self._done: asyncio.Queue[tuple[Waiting, Pushed]] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._log = structlog.get_logger().bind(part="dispatcher")
        queue.on_change = self._changed.set

    async def run(self) -> None:
        """Push until cancelled; raises an ExceptionGroup of what a part could not handle."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._take(), name="take")
            parts.create_task(self._settle(), name="settle")
            parts.create_task(self._publish(), name="publish")
            for n in range(self._concurrency):
                parts.create_task(self._push(), name=f"push-{n}")

    async def _take(self) -> None:
        while True:
            self._changed.clear()
            taken = 0
            if len(self._in_flight) <= _TAKE_AT_ONCE // 2:
                found = self._queue.waiting(_TAKE_AT_ONCE)
                self._more = len(found) == _TAKE_AT_ONCE
                for waiting in found:
                    if waiting.code not in self._in_flight:
                        self._in_flight.add(waiting.code)
                        self._todo.put_nowait(waiting)
                        taken += 1
            if not taken:
                await is_set_within(self._changed, _ASK_EVERY)
            else:
                await asyncio.sleep(0)

    async def _push(self) -> None:
        while True:
            waiting = await self._todo.get()
            probe = await self._breaker.admit()
            if not self._queue.confirm(waiting.partition):
                self._in_flight.discard(waiting.code)
                if probe:
                    self._breaker.released()
                continue
            pushed = await self._converse(waiting)
            if pushed.result is PushResult.RETRY:
                self._breaker.failed(waiting.code, probe=probe, wait=pushed.wait)
            elif pushed.result is not PushResult.ABANDONED:
                self._breaker.succeeded()
            elif probe:
                self._breaker.released()
            metrics.SYNC_BREAKER.set(self._breaker.is_open)
            self._done.put_nowait((waiting, pushed))

    async def _converse(self, waiting: Waiting) -> Pushed:
        known = acknowledged.decode(waiting.acknowledged)
        try:
            return await Conversation(
                self._client,
                self._catalogue,
                decode_dossier(waiting.code, waiting.dossier),
                self._statuses,
                known,
                self._open_person,
                lambda: self._queue.confirm(waiting.partition),
            ).push(trusted=self._queue.is_known(waiting))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - one dossier must not stop the others
            self._log.exception("dossier_push_failed", dossier=waiting.code)
            return Pushed(
                result=PushResult.REFUSED,
                acknowledged=known,
                status=Status.UNKNOWN,
                newest_at=waiting.pending_since,
                error_code="internal",
                reason=type(error).__name__,
            )

    async def _settle(self) -> None:
        while True:
            finished = [await self._done.get()]
            await asyncio.sleep(_GATHER)
            while not self._done.empty():
                finished.append(self._done.get_nowait())
            for _, pushed in finished:
                metrics.SYNC_PUSHES.labels(pushed.result.value).inc()
            self._log_stopped(finished)
            ours = [(w, p) for w, p in finished if p.result is not PushResult.ABANDONED]
            if ours:
                self._queue.settle([self._settlement(w, p) for w, p in ours])
            self._in_flight.difference_update(waiting.code for waiting, _ in finished)
            if self._more and len(self._in_flight) <= _TAKE_AT_ONCE // 2:
                self._changed.set()

    def _log_stopped(self, finished: Sequence[tuple[Waiting, Pushed]]) -> None:
        """Log one line a cause: a province's first day may hold thousands of dossiers."""
        causes: dict[tuple[str, str, str], list[str]] = {}
        for waiting, pushed in finished:
            if pushed.result in {PushResult.REFUSED, PushResult.HELD}:
                cause = (pushed.result.value, pushed.error_code, pushed.reason)
                causes.setdefault(cause, []).append(waiting.code)
        for (result, error_code, reason), codes in causes.items():
            self._log.warning(
                "dossiers_not_synced",
                result=result,
                error_code=error_code,
                reason=reason,
                count=len(codes),
                first=codes[:3],
            )

    def _settlement(self, waiting: Waiting, pushed: Pushed) -> Settled:
        now = self._clock()
        attempts, failing_since, next_attempt_at = 0, None, now
        if pushed.result in DONE and pushed.in_doubt:
            state, reason = QueueState.IN_DOUBT, pushed.reason
        elif pushed.result in DONE:
            state, reason = QueueState.CLEAN, ""
        elif pushed.result is PushResult.HELD:
            state, reason = QueueState.HELD, pushed.reason
        elif pushed.result is PushResult.REFUSED:
            state, reason = QueueState.PARKED, f"{pushed.error_code}: {pushed.reason}"
        else:
            state, reason = QueueState.PENDING, pushed.reason
            attempts = waiting.attempts + 1
            next_attempt_at = self._retries.next_at(now, attempts, pushed.wait)
            # While the whole portal fails no dossier is to blame: its budget does not run.
            failing_since = waiting.failing_since
            if not self._breaker.portal_fails:
                failing_since = failing_since or now
                if self._retries.spent(failing_since, now):
                    state, failing_since = QueueState.PARKED, None
        return Settled(
            waiting,
            state,
            reason,
            pushed.acknowledged.encode(),
            attempts,
            failing_since,
            next_attempt_at,
            encode_result(waiting, pushed, state, now),
        )

    async def _publish(self) -> None:
        while True:
            results = self._queue.outgoing(_SEND_AT_ONCE)
            if results:
                await self._send_results(results)
                self._queue.sent(results)
            if len(results) < _SEND_AT_ONCE:
                await asyncio.sleep(_SEND_EVERY)
