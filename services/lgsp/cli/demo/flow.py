"""The demo's middle: run the connector and watch the events arrive on both sides."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from lgsp.cli.services.drain import InFlight, Watch
from lgsp.domain.errors import FatalError
from lgsp.runtime.settings import Settings
from lgsp.runtime.supervision.process import die_with_parent

_ASK_EVERY = 1.0
_STALLED_AFTER = 180.0
_ENDS_WITHIN = 20.0


class Bars:
    """Progress bars on a terminal, a line a stage elsewhere (a context manager)."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> "Bars":
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, value, trace)

    def of(self, what: str) -> Callable[[int, int], None]:
        """Add a bar; return what moves it: called with done and total."""
        task = self._progress.add_task(what, total=None)
        return lambda done, total: self._progress.update(task, completed=done, total=total)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show a stage without a count while it lasts."""
        move = self.of(what)
        yield
        move(1, 1)


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What came of reading the twin through the connector."""

    records: int
    events: int
    seconds: Mapping[str, float]  # since the connector's start: read, counted, synced


def deliver(
    settings: Settings,
    twin: Path,
    rows: int,
    dossiers: int,
    bars: Bars,
    keep_alive: Callable[[], None],
    overrides: Mapping[str, Any],
) -> DeliveryReport:
    """Run the files connector over the twin until everything is counted and synced.

    Raises:
        FatalError: the connector failed, or nothing has moved for three minutes.
    """
    began = time.monotonic()
    done: dict[str, float] = {}
    environment = {f"LGSP_{name.upper()}": str(value) for name, value in overrides.items()}
    read, counted, synced = (
        bars.of(x) for x in ("rows read", "events counted", "dossiers synced")
    )
    log_file = settings.data / "logs" / "connector.log"
    with (
        log_file.open("ab") as log,
        Watch(settings) as watch,
        _connector(twin / "connector.yaml", environment, log) as connector,
    ):
        ended = False
        moved_at, before = began, InFlight(uncounted=-1, unread=-1, unsynced=-1)
        while True:
            keep_alive()
            log_grows = not ended
            ended = connector.poll() is not None
            left = watch.look(at_log=log_grows)  # asking the broker costs more than the stores
            produced = watch.produced
            read(min(produced, rows), rows)
            counted(produced - left.uncounted, rows)
            synced(watch.synced, dossiers)
            now = time.monotonic()
            for name, true in (
                ("read", ended),
                ("counted", ended and not left.uncounted),
                ("synced", ended and left.empty),
            ):
                if true:
                    done.setdefault(name, round(now - began, 1))
            if ended and (left.empty or connector.returncode):
                break
            if left != before:
                moved_at, before = now, left
            elif now - moved_at > _STALLED_AFTER:
                raise FatalError(f"nothing has moved for three minutes; in flight: {left}")
            time.sleep(_ASK_EVERY)
        output = connector.stdout.read() if connector.stdout else b""
    if connector.returncode:
        raise FatalError(f"the connector ended with {connector.returncode}: see {log_file}")
    report = orjson.loads(output)
    for move, total in ((read, rows), (counted, rows), (synced, dossiers)):
        move(total, total)
    return DeliveryReport(records=report["records"], events=watch.produced, seconds=done)


@contextmanager
def _connector(
    config: Path, environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the connector once; it is ended when the block is left before it has ended."""
    connector = subprocess.Popen(
        [sys.executable, "-m", "lgsp_connectors.cli", "run", str(config), "--once", "--json"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # a terminal's Ctrl-C is for us
        preexec_fn=die_with_parent,  # noqa: PLW1509 - one C call
    )
    try:
        yield connector
    finally:
        connector.terminate()
        try:
            connector.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            connector.kill()
            connector.wait()
