"""One real installation: Kafka, a rates worker, a connector over a folder, the feed's parts."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.ioc.cells_check import CellsCheck
from lgsp.ioc.log_side import LogSide
from lgsp.ioc.store_check import StoreCheck
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures
from tests.ioc.feeds import Feed, running
from tests.ports import free_port_pair
from tests.processors.workers import Worker
from tests.store.filled import CALENDAR

_YAML = """\
connector: files
portal: cong-mot
province: H37
source: {path: "inbox/*.csv"}
shape: dossiers
mapping: {dossier_code: Ma, agency: DonVi, received_at: Nhan, finished_at: Xong}
run: {poll_seconds: 0.2, give_up_seconds: 60}
"""


class Portal:
    """A folder that is a portal, and the process that reads it."""

    def __init__(self, base: Path, environment: dict[str, str]) -> None:
        self.base, self._environment = base, environment
        self.inbox = base / "inbox"
        self.inbox.mkdir(parents=True)
        (base / "cong-mot.yaml").write_text(_YAML, "utf-8")
        self._files = self._rows = 0
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, rows: int, *, bad: int = 0) -> None:
        """Put one more file there, with good rows and bad ones."""
        self._files += 1
        lines = ["Ma,DonVi,Nhan,Xong"]
        for i in range(rows + bad):
            self._rows += 1
            at = "2024-07-05T08:15:00+07:00" if i >= bad else "khi nào"
            lines.append(f"H37.12-240705-{self._rows:04d},H37.12,{at},2024-07-08T09:00:00+07:00")
        new = self.base / "new"
        new.write_text("\n".join(lines) + "\n", "utf-8")
        new.rename(self.inbox / f"{self._files:04d}.csv")

    def start(self) -> None:
        """Start the connector (again)."""
        with (self.base / "connector.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "lgsp_connectors.cli", "run", "--port", "0"),
                    str(self.base / "cong-mot.yaml"),
                ],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)


class Installation:
    """The parts, each to be stopped, killed and started again."""

    def __init__(
        self, settings: Settings, broker: EmbeddedBroker, rates: Worker, portal: Portal, feed: Feed
    ) -> None:
        self.settings, self.broker, self.rates = settings, broker, rates
        self.portal, self.feed = portal, feed

    def ask(self) -> dict[str, Any] | None:
        """Ask the feed for the figures of all, as of now; None: it does not answer."""
        try:
            status, _, body = self.feed.get("/api/v1/indicators")
        except (urllib.error.URLError, OSError):
            return None
        found: dict[str, Any] | None = json.loads(body) if status == 200 else None
        return found

    @contextmanager
    def broker_away(self) -> Iterator[None]:
        """Let the broker stand still: it takes connections and answers nothing."""
        pid = self.broker.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def installation(base: Path, store: str = "") -> Iterator[Installation]:
    """Start all of it under a folder; nothing outlives the block."""
    data = base / "data"
    settings = Settings(data=data, broker_port=free_port_pair(), partitions=2, store=store)
    environment = {
        "LGSP_BROKER": settings.bootstrap,
        "LGSP_DATA": str(data),
        "LGSP_STORE": store,
        "LGSP_LOG_FORMAT": "json",
    }
    rates = Worker("rates", environment, base / "rates.log")
    portal = Portal(base / "portal", {**os.environ, **environment})
    with ExitStack() as opened:
        broker = opened.enter_context(EmbeddedBroker(settings))
        apply_topics(settings)
        opened.callback(rates.kill)
        opened.callback(portal.kill)
        rates.start()
        portal.start()
        engine = open_store(settings.rates_store, read_only=True)
        opened.callback(engine.dispose)
        cells = opened.enter_context(closing(CellsCheck(engine, SIMPLE, CALENDAR, now_ms)))
        log = LogSide(settings.bootstrap, engine, [StoreCheck(engine), cells])
        opened.enter_context(closing(log))
        cells.start()
        log.start()
        figures = Figures(engine, SIMPLE, CALENDAR, now_ms, log=log)
        feed = opened.enter_context(running(figures, now_ms))
        yield Installation(settings, broker, rates, portal, feed)
