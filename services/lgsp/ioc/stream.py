"""The live stream: one poller for all clients, newest document only, resumable."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import structlog

from lgsp.domain.errors import RetryableError
from lgsp.ioc.board import Board, Breakdown, Published
from lgsp.runtime import metrics
from lgsp.runtime.stopping.waiting import is_set_within
from lgsp.store.figures.answers import Question

_MOST_QUESTIONS = 200


class _Subscription:
    """The clients of one question and the newest document they were sent."""

    def __init__(self) -> None:
        self.clients = 0
        self.newest: Published | None = None
        self.sent_at = 0.0
        self.version = 0


class Hub:
    """Tells every client when the figures it asked for have changed.

    A document is absolute, so a slow client skips to the newest and a client that comes back with
    the id it saw last misses nothing.

    Args:
        board: makes the documents.
        every: seconds between looks at the store; longer when a look takes long.
        repeat: seconds after which an unchanged document is sent again with its new as-of time,
            so that a client can tell a quiet province from a dead feed.
    """

    def __init__(self, board: Board, *, every: float = 1.0, repeat: float = 15.0) -> None:
        self._board = board
        self._every = every
        self._repeat = repeat
        self._subscriptions: dict[Question, _Subscription] = {}
        self._news = asyncio.Condition()
        self._closing = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def admit(self, question: Question) -> None:
        """Raise RetryableError when too many different questions are being followed already."""
        if question not in self._subscriptions and len(self._subscriptions) >= _MOST_QUESTIONS:
            raise RetryableError(f"{_MOST_QUESTIONS} different streams are open already")

    async def follow(self, question: Question, last_id: str = "") -> AsyncIterator[Published]:
        """Yield the document now, unless it is the one of `last_id`, and at every change."""
        subscription = self._subscriptions.setdefault(question, _Subscription())
        subscription.clients += 1
        metrics.STREAM_CLIENTS.inc()
        try:
            seen = subscription.version
            now = await self._read(question)
            if subscription.newest is None and now is not None:
                subscription.newest, subscription.sent_at = now, time.monotonic()
            if now is not None and now.id != last_id:
                yield now
            while True:
                async with self._news:
                    await self._news.wait_for(partial(self._has_news, subscription, seen))
                if self._closing.is_set():
                    return
                seen = subscription.version
                assert subscription.newest is not None  # noqa: S101 - the version has moved
                yield subscription.newest
        finally:
            metrics.STREAM_CLIENTS.dec()
            subscription.clients -= 1
            if subscription.clients == 0:
                self._subscriptions.pop(question, None)

    async def run(self) -> None:
        """Look at the store until `end`, then end every stream."""
        self._loop = asyncio.get_running_loop()
        while not self._closing.is_set():
            began = time.monotonic()
            for question, subscription in list(self._subscriptions.items()):
                await self._look(question, subscription)
            # A large store is busy folding while its figures change: take a fifth of the time.
            pause = max(self._every, 4 * (time.monotonic() - began))
            await is_set_within(self._closing, pause)
        async with self._news:
            self._news.notify_all()

    def end(self) -> None:
        """Make `run` end; may be called from a signal handler or another thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._closing.set)

    def _has_news(self, subscription: _Subscription, seen: int) -> bool:
        return self._closing.is_set() or subscription.version != seen

    async def _look(self, question: Question, subscription: _Subscription) -> None:
        document = await self._read(question)
        if document is None:
            return
        now = time.monotonic()
        same = subscription.newest is not None and subscription.newest.id == document.id
        if same and now - subscription.sent_at < self._repeat:
            return
        subscription.newest, subscription.sent_at = document, now
        subscription.version += 1
        async with self._news:
            self._news.notify_all()

    async def _read(self, question: Question) -> Published | None:
        try:
            return await asyncio.to_thread(self._board.document, Breakdown.INDICATORS, question)
        except RetryableError as error:
            structlog.get_logger().warning("store_unreadable", error=str(error))
            return None
