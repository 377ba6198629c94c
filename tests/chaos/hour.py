"""An hour of faults on the whole service, its label held against the truth all the time.

`python -m tests.chaos.hour [MINUTES] [SEED] [FOLDER]`: random faults, one after the other, while
the portal goes on. In the end everything is mended: figures and national portal must be what the
portal holds, no sample may have been `full` while it was wrong, and the alerts that rang must be
those that the faults explain. Prints a report; exit 1 where one of these does not hold.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from lgsp.domain.errors import RetryableError
from lgsp.runtime.httpget import get_json
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.letters.dead_letters import close_letters, open_letters
from tests.alarms.prometheus import Prometheus
from tests.chaos.sampler import Sampler, Truth
from tests.e2e.province import Province, code_of
from tests.waiting import wait_until

_BOUND = 30.0  # seconds: a dead connector is known after twelve, a living one may be slow to read
_CHILDREN = {
    "rates": ("worker", "rates"),
    "national sync": ("worker", "national-sync"),
    "feed": ("feed",),
    "broker": ("kafka.Kafka",),
}
# What may ring for what was played; what rings besides was rung by nothing.
_EXPLAINS = {
    "kill": {"ProcessDown", "CrashLoop", "NotReady", "LaneStands", "LaneFenced"},
    "stop": {"ProcessDown", "NotReady", "LaneStands", "LaneFenced", "BacklogGrows"},
    "kill broker": {"BrokerAway", "CellsUnpublished", "ConnectorRetrying"},
    "stop broker": {"BrokerAway", "CellsUnpublished", "ConnectorRetrying"},
    "stop national sync": {"SyncPendingOld"},
    "kill connector": {"PortalSilent"},
    "national portal away": {"NationalPortalAway", "SyncPendingOld"},
    "national portal errs": {"SyncParked", "SyncHeld", "SyncInDoubt", "SyncPendingOld"},
    "rates store": {"StoreStuck", "LaneStands", "NotReady", "CellsUnpublished", "ProcessDown"},
    "sync store": {"StoreStuck", "LaneStands", "NotReady", "SyncPendingOld", "ProcessDown"},
    "rows rejected": {"DeadLettersRising"},
    "disk full": {"DiskFilling", "StoreStuck", "ProcessDown", "CrashLoop", "BrokerAway"},
    "": {"TrustFallen", "FiguresStale"},
}
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


class Chaos:
    """Plays on a province that is being sampled."""

    def __init__(self, province: Province, truth: Truth, chance: random.Random) -> None:
        self._it, self._truth, self._chance = province, truth, chance
        self._number = self._file = 0
        self.played: Counter[str] = Counter()
        # A disk of our own is a small one, such as a tmpfs that FOLDER names.
        self._own_disk = shutil.disk_usage(province.up.data.parent).total < 2**32

    @property
    def dossiers(self) -> int:
        """How many the portal holds."""
        return self._number

    @property
    def faults(self) -> list[tuple[str, Callable[[], None]]]:
        """What may happen."""
        children = [
            (f"{verb} {name}", partial(deed, words))
            for verb, deed in (("kill", self._kill), ("stop", self._stop))
            for name, words in _CHILDREN.items()
        ]
        disk = [("disk full", self._disk_full)] if self._own_disk else []
        return [
            *children,
            ("kill connector", self._connector_dies),
            ("national portal away", self._national_away),
            ("national portal errs", self._national_errs),
            ("rates store locked", lambda: self._lock("rates.db")),
            ("sync store locked", lambda: self._lock("sync.db")),
            ("rows rejected", self._rows_rejected),
            *disk,
        ]

    def write(self) -> None:
        """Let the portal hold some more; the truth knows first."""
        rows = self._more()
        self._it.put(f"{self._file:05}.csv", rows)

    def play(self) -> None:
        """Play one fault while the portal goes on; it is over when this returns."""
        name, fault = self._chance.choice(self.faults)
        self.played[name] += 1
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {name}\n")
        fault()

    def go_on(self, seconds: float) -> None:
        """Write a file each second or two for so long."""
        end = time.monotonic() + seconds
        due = 0.0

        def is_over() -> bool:
            nonlocal due
            if time.monotonic() >= due:
                self.write()
                due = time.monotonic() + self._chance.uniform(0.5, 3)
            return time.monotonic() >= end

        wait_until("the time is over", is_over, seconds + 60)

    def _more(self) -> range:
        self._file += 1
        count = self._chance.randint(1, 30)
        rows = range(self._number + 1, self._number + 1 + count)
        self._truth.add(received=count, resolved=count)
        self._number += count
        return rows

    def _kill(self, words: tuple[str, ...]) -> None:
        child = self._child(words)
        os.kill(child, signal.SIGKILL)
        self.go_on(self._chance.uniform(1, 5))
        wait_until(f"{words} is back", lambda: self._it.up.is_back(child, *words), 120)

    def _stop(self, words: tuple[str, ...]) -> None:
        child = self._child(words)
        os.kill(child, signal.SIGSTOP)
        self.go_on(self._chance.uniform(3, 45))
        try:
            os.kill(child, signal.SIGCONT)
        except ProcessLookupError:
            return  # its supervisor had enough of it

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

    def _connector_dies(self) -> None:
        self._it.stop_connector()
        self.go_on(self._chance.uniform(1, 30))
        self._it.start_connector()

    def _national_away(self) -> None:
        self._it.stop_national()
        self.go_on(self._chance.uniform(5, 40))
        self._it.start_national()

    def _national_errs(self) -> None:
        self._it.start_national(_NATIONAL_FAULTS)
        self.go_on(self._chance.uniform(5, 40))
        self._it.start_national()

    def _lock(self, name: str) -> None:
        with closing(sqlite3.connect(self._it.up.data / name, isolation_level=None)) as other:
            try:
                other.execute("PRAGMA busy_timeout = 10000")
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return  # it is busy, and nobody waits so long
            self.go_on(self._chance.uniform(2, 40))
            other.execute("ROLLBACK")

    def _rows_rejected(self) -> None:
        rows = self._more()
        name = f"{self._file:05}.csv"
        self._it.put(name, rows, received="32/01/2024 08:00")
        self.go_on(self._chance.uniform(3, 20))
        self._it.put(name, rows)
        self.go_on(10)  # the right rows are read
        bootstrap = f"127.0.0.1:{self._it.up.environment['LGSP_BROKER_PORT']}"
        with closing(make_producer(bootstrap)) as producer:
            close_letters(producer, open_letters(bootstrap))

    def _disk_full(self) -> None:
        with (self._it.up.data / "filler").open("wb") as filler:
            try:
                while True:
                    filler.write(bytes(1 << 20))
                    filler.flush()
            except OSError:
                self.go_on(self._chance.uniform(3, 30))
        (self._it.up.data / "filler").unlink()


def ask(province: Province) -> dict[str, Any] | None:
    """Ask the feed for the figures of all; None: no answer."""
    url = f"http://127.0.0.1:{province.up.feed}/api/v1/indicators"
    try:
        found: dict[str, Any] = get_json(url, {"period": "all"}, timeout=5)
    except RetryableError:
        return None
    return found


def national_states(province: Province) -> dict[str, int]:
    """Return dossier code -> status as the national portal shows it."""
    url, after = f"http://127.0.0.1:{province.up.mock}/api/dossiers", ""
    found: dict[str, int] = {}
    while after is not None:
        page = get_json(url, {"after": after, "limit": "500", "steps": "false"})
        found |= {item["code"]: item["status"] for item in page["items"]}
        after = page["next"]
    return found


def explained(played: Iterable[str]) -> set[str]:
    """Return the alerts that these faults may ring."""
    return {
        alert
        for start, alerts in _EXPLAINS.items()
        if any(name.startswith(start) for name in played)
        for alert in alerts
    }


def main(minutes: float = 60, seed: int = 1, folder: Path | None = None) -> int:
    """Play for so many minutes; return the exit code."""
    base = Path(tempfile.mkdtemp(prefix="chaos-", dir=folder))
    inbox = Path(tempfile.mkdtemp(prefix="chaos-inbox-"))  # the portal's disk is another one
    province, truth = Province(inbox, base / "data"), Truth(received=0, resolved=0)
    chaos = Chaos(province, truth, random.Random(seed))
    (inbox / "prometheus").mkdir()
    began = time.monotonic()
    try:
        province.start_national()
        with (
            province.up,
            Prometheus(inbox / "prometheus", province.targets(), factor=20) as prometheus,
        ):
            province.start_connector()
            with Sampler(lambda: ask(province), truth, _BOUND) as sampler:
                chaos.go_on(10)
                while time.monotonic() < began + minutes * 60:
                    chaos.play()
                    chaos.go_on(20)
                wait_until("figures full and true", sampler.is_right, 600)
                wait_until("all is pushed", province.drained, 600)
                wrong = {
                    code: status
                    for code, status in national_states(province).items()
                    if status not in (9, 10)
                }
                missing = {code_of(n) for n in range(1, chaos.dossiers + 1)} - set(
                    national_states(province)
                )
            report = {
                "minutes": round((time.monotonic() - began) / 60, 1),
                "seed": seed,
                "faults": dict(sorted(chaos.played.items())),
                "dossiers": chaos.dossiers,
                "samples": len(sampler.samples),
                "full": sum(sample.trust == "full" for sample in sampler.samples),
                "full_while_wrong": len(sampler.lies()),
                "lies": [str(lie)[:300] for lie in sampler.lies()[:3]],
                "national_wrong": dict(list(wrong.items())[:5]),
                "national_missing": sorted(missing)[:5],
                "alerts": sorted(prometheus.rang()),
                "alerts_by_nothing": sorted(prometheus.rang() - explained(chaos.played)),
            }
    finally:
        province.stop_connector()
        province.stop_national()
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return int(bool(sampler.lies() or wrong or missing or report["alerts_by_nothing"]))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(
            float(arguments[0]) if arguments else 60,
            int(arguments[1]) if len(arguments) > 1 else 1,
            Path(arguments[2]) if len(arguments) > 2 else None,
        )
    )
