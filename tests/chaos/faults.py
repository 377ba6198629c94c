"""The faults there are: each is played, is seen in the label, is mended, and the label rises."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import close_letters, open_letters
from tests.chaos.installation import Installation
from tests.chaos.sampler import Sampler
from tests.waiting import wait_until

_ROWS = 5


class Game:
    """Plays faults on an installation that is being sampled."""

    def __init__(self, it: Installation, sampler: Sampler) -> None:
        self._it, self._sampler = it, sampler

    def change(self, rows: int = _ROWS, *, bad: int = 0) -> None:
        """Let the portal hold more; the truth knows first."""
        self._sampler.truth.add(received=rows + bad)
        self._it.portal.write(rows, bad=bad)

    def right_again(self) -> None:
        """Wait until the figures are full and true."""
        wait_until("full and true again", self._sampler.is_right, 90)

    @contextmanager
    def falls(self, *codes: str) -> Iterator[None]:
        """Wait until the label has fallen for these reasons; over the block it stays so."""
        sampler = self._sampler
        wait_until(f"less than full: {codes}", lambda: sampler.says(*codes), 90)
        since = len(sampler.samples)
        yield
        wait_until("two more samples", lambda: len(sampler.samples) >= since + 2)
        assert "full" not in {sample.trust for sample in sampler.samples[since : since + 2]}

    def worker_stands(self) -> None:
        """SIGSTOP of the worker while the portal goes on."""
        self._it.rates.stop_outside_transaction(self._it.settings.rates_store)
        self.change()
        with self.falls("backlog"):
            pass
        self._it.rates.send(signal.SIGCONT)
        self.right_again()

    def connector_dies(self) -> None:
        """kill -9 of the connector; the portal goes on."""
        self._it.portal.kill()
        self.change()
        with self.falls("connector_dead"):
            pass
        self._it.portal.start()
        self.right_again()

    def rows_are_rejected(self) -> None:
        """One of the portal's rows cannot be used, until it is mended and its letter closed."""
        self.change(bad=1)
        with self.falls("letters_open"):
            self._it.portal.write(1)
        with closing(make_producer(self._it.settings.bootstrap)) as producer:
            close_letters(producer, open_letters(self._it.settings.bootstrap))
        self.right_again()

    def store_is_locked(self) -> None:
        """Somebody else holds the SQLite file."""
        file = self._it.settings.rates_store.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            wait_until("the store is locked", lambda: _locked(other))
            self.change()
            with self.falls("backlog"):
                pass
            other.execute("ROLLBACK")
        self.right_again()

    def broker_is_away(self) -> None:
        """The broker takes connections and answers nothing."""
        with self._it.broker_away():
            self.change()
            with self.falls("log_unreachable"):
                pass
        self.right_again()

    def log_is_made_anew(self) -> None:
        """The topic is deleted and made again; nothing mends that, so it is the last fault."""
        sampler = self._sampler
        with open_admin(self._it.settings.bootstrap) as admin:
            admin.delete_topics([DOSSIER_EVENTS])
            wait_until("it is gone", lambda: DOSSIER_EVENTS not in admin.list_topics())
        apply_topics(self._it.settings)
        gone = time.monotonic()
        wait_until(
            "it is another one",
            lambda: sampler.says("log_is_another") and sampler.last.at > gone,
        )
        since = len(sampler.samples)
        wait_until("more samples", lambda: len(sampler.samples) >= since + 20)
        assert "full" not in {sample.trust for sample in sampler.samples[since:]}

    @property
    def mended(self) -> list[Callable[[], None]]:
        """The faults after which all is well again."""
        return [
            self.worker_stands,
            self.connector_dies,
            self.rows_are_rejected,
            self.store_is_locked,
            self.broker_is_away,
        ]


def _locked(other: sqlite3.Connection) -> bool:
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True
