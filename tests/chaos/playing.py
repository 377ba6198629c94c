"""The faults of the hour: each a context in which it lasts, with what keeps it up meanwhile."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from typing import NamedTuple

from lgsp.runtime.httpget import answers_200
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.letters.dead_letters import close_letters, open_letters
from tests.chaos.books import Books
from tests.chaos.clocks import Clocks
from tests.e2e.province import Province
from tests.waiting import wait_until

Keep = Callable[[], None]
"""Called again and again while a fault lasts."""

_CHILDREN = {
    "rates": ("worker", "rates"),
    "national sync": ("worker", "national-sync"),
    "feed": ("feed",),
    "broker": ("kafka.Kafka",),
}
CLOCKS = {
    "rates": "worker rates",
    "national sync": "worker national-sync",
    "feed": "feed",
    "connector": "lgsp_connectors.cli",
    "national portal": "mock national",
}
_OFF = 600  # seconds
_SMALL_DISK = 2**32
_SCRAPED_WITHIN = 1.5  # seconds: three scrapes
_NATIONAL_FAULTS = """\
- match: {every: 3}
  do: {http: 503}
- match: {service: CapNhatTienDoHoSoMC, every: 5}
  do: {drop: after}
- match: {every: 7}
  do: {error_code: "-1", message: "Lỗi hệ thống"}
- match: {every: 11}
  do: {html: true}
"""


class Fault(NamedTuple):
    """What is played, and for how many seconds at most."""

    name: str
    play: Callable[[], AbstractContextManager[Keep]]
    longest: float


class Faults:
    """The faults that a province can be played.

    Args:
        province: runs.
        books: what its portal holds.
        clocks: of its processes.
        chance: draws what a fault leaves open.
        agrees: tells whether the figures count all that the portal holds.
    """

    def __init__(
        self,
        province: Province,
        books: Books,
        clocks: Clocks,
        chance: random.Random,
        agrees: Callable[[], bool],
    ) -> None:
        self._it, self._books, self._clocks = province, books, clocks
        self._chance, self._agrees = chance, agrees

    def all(self) -> list[Fault]:
        """List them."""
        # A disk to be filled is a small one of its own, such as a tmpfs that FOLDER names.
        own_disk = shutil.disk_usage(self._it.up.data.parent).total < _SMALL_DISK
        others: dict[str, tuple[Callable[[], AbstractContextManager[Keep]], float]] = {
            "kill connector": (self._connector_gone, 60),
            "stop connector": (self._connector_stands, 60),
            "national portal away": (self._national_away, 60),
            "national portal errs": (self._national_errs, 40),
            "rates store locked": (partial(self._locked, "rates.db"), 60),
            "sync store locked": (partial(self._locked, "sync.db"), 60),
            "rows rejected": (self._rows_rejected, 20),
            **({"disk full": (self._disk_full, 50)} if own_disk else {}),
        }
        return [
            *(Fault(f"kill {n}", partial(self._killed, w), 5) for n, w in _CHILDREN.items()),
            *(
                Fault(f"kill again {n}", partial(self._killed_again, w), 30)
                for n, w in _CHILDREN.items()
                if n != "broker"
            ),
            *(
                Fault(f"stop {n}", partial(self._stopped, w), 75 if n == "broker" else 60)
                for n, w in _CHILDREN.items()
            ),
            *(Fault(f"clock of {name}", partial(self._clock_off, name), 50) for name in CLOCKS),
            *(Fault(name, play, longest) for name, (play, longest) in others.items()),
        ]

    @contextmanager
    def _killed(self, words: tuple[str, ...]) -> Iterator[Keep]:
        child = self._child(words)
        os.kill(child, signal.SIGKILL)
        yield _nothing
        wait_until(f"{words} is back", lambda: self._it.up.is_back(child, *words), 120)

    @contextmanager
    def _killed_again(self, words: tuple[str, ...]) -> Iterator[Keep]:
        last, answered = self._child(words), 0.0

        def kill_the_next() -> None:
            nonlocal last, answered
            # One that was scraped: who dies before is down, and nobody has seen it start.
            if not self._it.up.is_back(last, *words) or not answers_200(self._url(words)):
                answered = 0.0
                return
            answered = answered or time.monotonic()
            if time.monotonic() > answered + _SCRAPED_WITHIN:
                last = self._child(words)
                os.kill(last, signal.SIGKILL)

        os.kill(last, signal.SIGKILL)
        yield kill_the_next
        wait_until(f"{words} is back", lambda: self._it.up.is_back(last, *words), 120)

    @contextmanager
    def _stopped(self, words: tuple[str, ...]) -> Iterator[Keep]:
        stopped: list[int] = []

        def stop_the_next() -> None:
            # Its supervisor ends what does not answer, and the next one stands still, too.
            if not stopped or self._it.up.is_back(stopped[-1], *words):
                stopped.append(self._child(words))
                os.kill(stopped[-1], signal.SIGSTOP)

        stop_the_next()
        yield stop_the_next
        try:
            os.kill(stopped[-1], signal.SIGCONT)
        except ProcessLookupError:
            return  # its supervisor had enough of it

    def _url(self, words: tuple[str, ...]) -> str:
        return f"http://{self._it.targets()[words[-1]]}/metrics"

    def _child(self, words: tuple[str, ...]) -> int:
        found: list[int] = []

        def is_there() -> bool:
            try:
                found.append(self._it.up.child(*words))
            except AssertionError:
                return False
            return True

        wait_until(f"{words} runs", is_there, 120)
        return found[-1]

    @contextmanager
    def _connector_gone(self) -> Iterator[Keep]:
        self._it.stop_connector()
        yield _nothing
        self._it.start_connector()

    @contextmanager
    def _connector_stands(self) -> Iterator[Keep]:
        process = self._it.running["connector"]
        process.send_signal(signal.SIGSTOP)
        yield _nothing
        process.send_signal(signal.SIGCONT)

    @contextmanager
    def _national_away(self) -> Iterator[Keep]:
        self._it.stop_national()
        yield _nothing
        self._it.start_national()

    @contextmanager
    def _national_errs(self) -> Iterator[Keep]:
        self._it.start_national(_NATIONAL_FAULTS)
        yield _nothing
        self._it.start_national()
        wait_until("nothing is parked", self._it.redriven, 120)

    @contextmanager
    def _clock_off(self, name: str) -> Iterator[Keep]:
        with self._clocks.off(name, self._chance.choice((-_OFF, _OFF))):
            yield _nothing

    @contextmanager
    def _locked(self, name: str) -> Iterator[Keep]:
        with closing(sqlite3.connect(self._it.up.data / name, isolation_level=None)) as other:

            def is_locked() -> bool:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return False
                return True

            other.execute("PRAGMA busy_timeout = 10000")
            wait_until(f"{name} is locked", is_locked, 120)
            yield _nothing
            other.execute("ROLLBACK")

    @contextmanager
    def _rows_rejected(self) -> Iterator[Keep]:
        name, rows = self._books.write_bad()
        yield _nothing
        self._it.write(name, rows)
        # A letter is closed when its rows are read: nobody writes until then.
        wait_until("the right rows are counted", self._agrees, 120)
        bootstrap = f"127.0.0.1:{self._it.up.environment['LGSP_BROKER_PORT']}"
        with closing(make_producer(bootstrap)) as producer:
            close_letters(producer, open_letters(bootstrap))

    @contextmanager
    def _disk_full(self) -> Iterator[Keep]:
        filler = self._it.up.data / "filler"
        with filler.open("ab", buffering=0) as file:

            def fill() -> None:
                try:
                    while file.write(bytes(1 << 20)):
                        pass
                except OSError:
                    return

            fill()
            yield fill
        filler.unlink()


def _nothing() -> None:
    """Keep up what lasts by itself."""
