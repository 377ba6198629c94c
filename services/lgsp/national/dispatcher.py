"""Drains the sync queue: takes what is due, pushes several dossiers at once, settles in groups.

One dossier is pushed by one conversation at a time. One that fails waits by itself, and takes no
slot from the others; so do those of a procedure or unit that fails as a whole. Results go to
Kafka only after the store has them (an outbox), so a crash repeats a result and never loses one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.domain.status import Status, StatusSemantics
from lgsp.national import acknowledged
from lgsp.national.breaker import Breaker
from lgsp.national.catalogue import Catalogue
from lgsp.national.client import NationalClient
from lgsp.national.conversation import Conversation, PersonOpener
from lgsp.national.freeing import Freeing
from lgsp.national.kinds import FailingKinds, kinds_of
from lgsp.national.pushed import DONE, NotOursError, Pushed, PushResult
from lgsp.national.refusals import Refusals
from lgsp.national.retries import Retries
from lgsp.national.settlement import Finished, log_stopped, postponement, settlement
from lgsp.national.turns import Taken, Turns
from lgsp.runtime import metrics
from lgsp.runtime.retry_after import LONGEST_ADVICE
from lgsp.runtime.stopping.waiting import is_set_within
from lgsp.runtime.store_away import StoreAway
from lgsp.store.rates.layout import decode as decode_dossier
from lgsp.store.sync.queue import SyncQueue
from lgsp.store.sync.rows import Outgoing, Waiting

_TAKE_AT_ONCE = 512  # dossiers in memory at once: enough to gather settlements while pushes go on
_GATHER = 0.02  # seconds in which finished pushes join one transaction
_ASK_EVERY = 0.25  # seconds between looks for dossiers whose waiting time is over
_MEND_EVERY = 30.0  # seconds between looks for attempts set by a clock that was wrong
_SEND_AT_ONCE = 2000
_SEND_EVERY = 0.25  # seconds in which results join one flush
_STILL_LIVES = 1.0  # seconds for which an answer proves that the portal lives

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
        ask_every: most seconds between two questions to a portal that does not answer.
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
        ask_every: float = 3.0,
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
        self._breaker = Breaker(
            self._ask, self._breaker_moved, first=ask_every / 6, longest=ask_every
        )
        self._freeing = Freeing(queue.held, self._catalogue, self._breaker.admit)
        self._kinds = FailingKinds()
        self._refusals = Refusals()
        self._turns = Turns(concurrency)
        self._in_flight: set[str] = set()
        self._failing_in_flight: set[str] = set()
        self._by_hand: set[str] = set()  # a person has held them, maybe since they were taken
        self._more = False  # the last look for due dossiers did not show them all
        self._witness = ""  # the procedure of a dossier that was worked on, to ask for
        self._done: asyncio.Queue[Finished] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._log = structlog.get_logger().bind(part="dispatcher")
        queue.on_change = self._changed.set
        metrics.SYNC_BREAKER.set(0)
        for result in PushResult:
            metrics.SYNC_PUSHES.labels(result.value)

    async def run(self) -> None:
        """Push until cancelled; raises an ExceptionGroup of what a part could not handle."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._take(), name="take")
            parts.create_task(self._settle(), name="settle")
            parts.create_task(self._publish(), name="publish")
            parts.create_task(self._breaker.run(), name="breaker")
            parts.create_task(self._freeing.run(), name="freeing")
            for n in range(self._concurrency):
                parts.create_task(self._push(), name=f"push-{n}")

    async def _take(self) -> None:
        most_failing = 4 * self._turns.failing_slots
        mend_at = 0.0
        while True:
            self._changed.clear()
            self._by_hand = self._queue.held.by_hand()
            if time.monotonic() >= mend_at:
                self._queue.pull_in(self._retries.longest + int(LONGEST_ADVICE * 1000))
                mend_at = time.monotonic() + _MEND_EVERY
            found: list[Waiting] = []
            if len(self._in_flight) <= _TAKE_AT_ONCE // 2:
                found = self._queue.waiting(_TAKE_AT_ONCE)
                self._more = len(found) == _TAKE_AT_ONCE
            if len(self._failing_in_flight) <= most_failing // 2:
                found += self._queue.waiting(most_failing, failing=True)
            held_up = self._in_flight | self._failing_in_flight
            new = [_read(waiting) for waiting in found if waiting.code not in held_up]
            self._put(new)
            if not new:
                await is_set_within(self._changed, _ASK_EVERY)
            else:
                await asyncio.sleep(0)

    def _put(self, new: Sequence[Taken]) -> None:
        for taken in new:
            codes = self._failing_in_flight if taken.failing else self._in_flight
            codes.add(taken.waiting.code)
            self._turns.put(taken)
        self._postpone_kin()

    def _postpone_kin(self) -> None:
        """Set fresh dossiers of a kind that fails among the failing ones, untried."""
        kin = self._turns.withdraw(lambda taken: self._kinds.why(taken.kinds))
        if not kin:
            return
        now = self._clock()
        self._queue.settle(
            [
                postponement(
                    taken.waiting,
                    self._kinds.why(taken.kinds),
                    now,
                    known=self._queue.is_known(taken.waiting),
                )
                for taken in kin
            ]
        )
        self._forget(kin)

    async def _push(self) -> None:
        while True:
            taken = await self._turns.next()
            await self._breaker.admit()
            code, partition = taken.waiting.code, taken.waiting.partition
            if code in self._by_hand or not self._queue.confirm(partition):
                self._forget([taken])
                self._turns.done(taken, failed=False)
                continue
            answers = self._client.answers
            pushed = await self._converse(taken)
            failed = pushed.result is PushResult.RETRY
            blamed = failed and not pushed.throttled and await self._lives(answers)
            if blamed:
                self._kinds.failed(taken.waiting.code, taken.kinds, pushed.reason)
                self._postpone_kin()
            elif pushed.result in DONE or pushed.result is PushResult.REFUSED:
                self._kinds.worked(taken.kinds)
                self._witness = taken.kinds[0][1] if taken.kinds else self._witness
            self._turns.done(taken, failed=failed)
            self._done.put_nowait(Finished(taken, pushed, blamed))

    async def _lives(self, answers_before: int) -> bool:
        """Tell whether the portal works though a push failed; ask it where nothing says so."""
        recent = time.monotonic() - self._client.answered_at < _STILL_LIVES
        return (recent and self._client.answers != answers_before) or await self._breaker.answers()

    async def _ask(self) -> None:
        """Ask what has nothing to do with the dossiers that fail; any answer will do."""
        answers = self._client.answers
        try:
            await self._client.look_up_nobody()
        except RetryableError:
            if self._client.answers == answers:
                await self._ask_for_procedure()

    async def _ask_for_procedure(self) -> None:
        answers = self._client.answers
        try:
            await self._client.procedure(self._witness)
        except RetryableError:
            if self._client.answers == answers:
                raise

    def _breaker_moved(self, is_open: bool) -> None:
        metrics.SYNC_BREAKER.set(is_open)
        self._log.warning("national_portal_away" if is_open else "national_portal_back")

    async def _converse(self, taken: Taken) -> Pushed:
        waiting = taken.waiting
        known = acknowledged.decode(waiting.acknowledged)

        def ours() -> None:
            if not self._queue.confirm(waiting.partition):
                raise NotOursError

        def note(known: acknowledged.Acknowledged) -> None:
            if not self._queue.note(waiting, known.encode()):
                raise NotOursError

        try:
            return await Conversation(
                self._client,
                self._catalogue,
                taken.dossier or decode_dossier(waiting.code, waiting.dossier),
                self._statuses,
                known,
                self._open_person,
                ours,
                note,
            ).push(trusted=self._queue.is_known(waiting))
        except (SQLAlchemyError, StoreAway, FatalError):
            raise  # of a store: no dossier is to blame
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
            finished = [self._refusals.judged(await self._done.get())]
            await asyncio.sleep(_GATHER)
            while not self._done.empty():
                finished.append(self._refusals.judged(self._done.get_nowait()))
            for each in finished:
                metrics.SYNC_PUSHES.labels(each.pushed.result.value).inc()
            log_stopped(finished)
            ours = [each for each in finished if each.pushed.result is not PushResult.ABANDONED]
            if ours:
                now = self._clock()
                self._queue.settle([settlement(each, self._retries, now) for each in ours])
            for each in ours:
                if each.unknown_procedure:
                    self._freeing.note(each.unknown_procedure)
            if refused_wrongly := self._refusals.taken_back():
                self._queue.held.try_again(refused_wrongly)
            self._forget([each.taken for each in finished])

    def _forget(self, gone: Sequence[Taken]) -> None:
        codes = {taken.waiting.code for taken in gone}
        self._in_flight -= codes
        self._failing_in_flight -= codes
        if self._more and len(self._in_flight) <= _TAKE_AT_ONCE // 2:
            self._changed.set()

    async def _publish(self) -> None:
        while True:
            results = self._queue.outgoing(_SEND_AT_ONCE)
            if results:
                await self._send_results(results)
                self._queue.sent(results)
            if len(results) < _SEND_AT_ONCE:
                await asyncio.sleep(_SEND_EVERY)


def _read(waiting: Waiting) -> Taken:
    try:
        dossier = decode_dossier(waiting.code, waiting.dossier)
    except Exception:  # noqa: BLE001 - the push will say so of this one dossier
        return Taken(waiting, None, ())
    return Taken(waiting, dossier, kinds_of(dossier))
