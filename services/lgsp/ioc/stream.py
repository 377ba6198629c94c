"""The live stream: one poller for all clients, newest document only, resumable."""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from lgsp.domain.errors import LgspError, RetryableError
from lgsp.ioc.board import Published
from lgsp.ioc.refusals import TooManyError
from lgsp.runtime import metrics
from lgsp.runtime.stopping.waiting import is_set_within
from lgsp.store.figures.answers import Question

_MOST_QUESTIONS = 512
_MOST_OF_ONE = 64  # of one client; what another one follows already, and goes on with, is free
_MOST_STREAMS = 256  # of one client, whatever they ask
_RETRY = 5.0  # seconds that a refused client is advised to wait
_BEHIND = "a proxy in front of many is named in LGSP_FEED_TRUSTED_PROXIES"


class News(NamedTuple):
    """What a stream says next: a document, that there is none now, or only that it lives.

    `asked` is the client's own name of the question, "" for a sign of life.
    """

    asked: str = ""
    document: Published | None = None
    trouble: str = ""


class _Subscription:
    """The clients of one question, and what they were told last."""

    def __init__(self) -> None:
        self.clients: dict[str, int] = {}  # how many streams of each; it counts for the first
        self.newest: Published | None = None
        self.trouble = ""
        self.told_at = 0.0
        self.version = 0


class Hub:
    """Tells every client when the figures it asked for have changed.

    A document is absolute, so a slow client skips to the newest and a client that comes back with
    the id it saw last misses nothing. A client that hears nothing for `beat` is told that all is
    well, so that it can tell a quiet province from a dead path.

    Args:
        read: makes the document of a question.
        every: seconds between looks at the store; longer when a look takes long.
        repeat: seconds after which an unchanged document is sent again with its new as-of time.
        beat: seconds of silence after which a client gets a sign of life.
    """

    def __init__(
        self,
        read: Callable[[Question], Awaitable[Published]],
        *,
        every: float = 1.0,
        repeat: float = 5.0,
        beat: float = 1.0,
    ) -> None:
        self._read = read
        self._every = every
        self._repeat = repeat
        self._beat = beat
        self._subscriptions: dict[Question, _Subscription] = {}
        self._streams: Counter[str] = Counter()
        self._first_looks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self._closing = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def following(self, client: str, asked: Mapping[str, Question]) -> Iterator["Following"]:
        """Subscribe a client to its questions, each under a name of its own.

        Args:
            client: its address; what one client opens is limited.
            asked: the questions.

        Raises:
            TooManyError: this client follows too many different questions.
            RetryableError: all clients together do.
        """
        questions = set(asked.values())
        self._admit(client, questions)
        followed = {}
        for question in questions:
            subscription = self._subscriptions.get(question)
            if subscription is None:
                subscription = self._subscriptions[question] = _Subscription()
                self._look_at_once(question, subscription)
            subscription.clients[client] = subscription.clients.get(client, 0) + 1
            followed[question] = subscription
        metrics.STREAM_CLIENTS.inc()
        self._streams[client] += 1
        try:
            yield Following(self, {name: followed[question] for name, question in asked.items()})
        finally:
            metrics.STREAM_CLIENTS.dec()
            self._streams[client] -= 1
            self._streams += Counter()  # clients that have left are not kept
            for question, subscription in followed.items():
                subscription.clients[client] -= 1
                if not subscription.clients[client]:
                    del subscription.clients[client]
                if not subscription.clients:
                    del self._subscriptions[question]

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

    async def hear(self, is_news: Callable[[], bool]) -> bool:
        """Wait until there are news, at most for the time of a beat; False: all ends."""
        try:
            async with asyncio.timeout(self._beat), self._news:
                await self._news.wait_for(lambda: self._closing.is_set() or is_news())
        except TimeoutError:
            pass
        return not self._closing.is_set()

    def _admit(self, client: str, questions: set[Question]) -> None:
        if self._streams[client] >= _MOST_STREAMS:
            raise TooManyError(
                f"{client} has {_MOST_STREAMS} streams open already: close some; {_BEHIND}",
                wait=_RETRY,
            )
        new = len(questions - self._subscriptions.keys())
        opened = sum(next(iter(sub.clients)) == client for sub in self._subscriptions.values())
        if new and opened + new > _MOST_OF_ONE:
            raise TooManyError(
                f"{client} follows {opened} different questions already, at most {_MOST_OF_ONE}"
                f" are for one client: close some of its streams; {_BEHIND}",
                wait=_RETRY,
            )
        if new and len(self._subscriptions) + new > _MOST_QUESTIONS:
            raise RetryableError(
                f"{_MOST_QUESTIONS} different streams are open already", wait=_RETRY
            )

    def _look_at_once(self, question: Question, subscription: _Subscription) -> None:
        task = asyncio.create_task(self._look(question, subscription))
        self._first_looks.add(task)
        task.add_done_callback(self._first_looks.discard)

    async def _look(self, question: Question, subscription: _Subscription) -> None:
        # What goes wrong with one question, foreseen or not, stops no other.
        [found] = await asyncio.gather(self._read(question), return_exceptions=True)
        document, trouble = None, ""
        if isinstance(found, Published):
            document = found
        elif isinstance(found, LgspError):
            trouble = str(found)
            structlog.get_logger().warning("store_unreadable", error=trouble)
        else:
            trouble = f"a defect of the feed ({type(found).__name__}); its log has more"
            if trouble != subscription.trouble:
                lines = "".join(traceback.format_exception(found))
                structlog.get_logger().error("stream_defect", exception=lines)
        now = time.monotonic()
        known = subscription.newest
        same = document is None or (known is not None and known.id == document.id)
        same = same and trouble == subscription.trouble
        if same and now - subscription.told_at < self._repeat:
            return
        subscription.newest = document or known
        subscription.trouble, subscription.told_at = trouble, now
        subscription.version += 1
        async with self._news:
            self._news.notify_all()


class Following:
    """One client's place in the stream of its questions."""

    def __init__(self, hub: Hub, followed: Mapping[str, _Subscription]) -> None:
        self._hub = hub
        self._followed = followed

    async def news(self, last_id: str = "") -> AsyncIterator[News]:
        """Yield what there is now, but for the document of `last_id`, and what comes.

        The first one comes at once, whatever the store does.
        """
        seen = dict.fromkeys(self._followed, 0)
        yield News()
        while True:
            quiet = True
            for name, subscription in self._followed.items():
                if subscription.version == seen[name]:
                    continue
                first, seen[name] = not seen[name], subscription.version
                document = subscription.newest
                if subscription.trouble:
                    yield News(name, trouble=subscription.trouble)
                elif document is not None and not (first and document.id == last_id):
                    yield News(name, document)
                quiet = False
            if quiet:
                yield News()
            if not await self._hub.hear(lambda: self._has_news(seen)):
                return

    def _has_news(self, seen: Mapping[str, int]) -> bool:
        return any(sub.version != seen[name] for name, sub in self._followed.items())
