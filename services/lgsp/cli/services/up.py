"""`lgsp up`: everything on one machine in the foreground, until SIGTERM or Ctrl-C."""

import fcntl
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TextIO

import structlog
import typer

from lgsp.cli.services.drain import wait_drained
from lgsp.cli.services.stack import Stack
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.commands.options import Data, ServiceJson, begin
from lgsp.runtime.commands.output import emit_service
from lgsp.runtime.disk import describe, is_full
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.signals import StopSignal

_MARK = "lgsp-data"
_DRAIN_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add `lgsp up`."""

    @app.command("up")
    def up(
        fresh: Annotated[bool, typer.Option("--fresh", help="Delete the state first.")] = False,
        data: Data = None,
        json: ServiceJson = False,
    ) -> None:
        """Run broker, national mock, processors and IOC feed; drain and stop on SIGTERM."""
        overrides: dict[str, Any] = {"data": data} if data else {}
        settings = begin("up", data)
        log = structlog.get_logger()
        with claim(settings, fresh=fresh), StopSignal() as stopping:
            stack = Stack(settings, overrides)
            try:
                stack.start(stopping)
                if stopping():
                    return
                tell_ready(stack.url, as_json=json)
                while not stopping():
                    stack.keep_alive(stopping)
                    time.sleep(0.2)
                left = wait_drained(settings, _DRAIN_SECONDS)
                log.info("drained" if left.empty else "not_drained", **left.summary())
            finally:
                stack.stop()


def tell_ready(url: str, *, as_json: bool) -> None:
    """Say that all is live; a file on a full disk that does not take the line stops nothing."""
    with suppress(OSError):
        sys.stderr.write(f"ready: {url}\n")
        sys.stderr.flush()
    with suppress(OSError):
        emit_service("up", "ready", as_json=as_json, url=url)


def claim(settings: Settings, *, fresh: bool) -> TextIO:
    """Make the data folder and hold it against a second `lgsp up`; empty it first when asked.

    Returns:
        The locked mark of the folder: it is held until this file is closed, or we die.

    Raises:
        ConfigurationError: the folder is in use, cannot be written, or is to be emptied and holds
            something that we did not put there.
        FatalError: its disk is full.
    """
    data, mark = settings.data, settings.data / _MARK
    try:
        if fresh and data.is_dir() and any(data.iterdir()) and not mark.exists():
            raise ConfigurationError(
                f"--fresh: {data} is not empty and has no file {_MARK}: not deleted"
            )
        data.mkdir(parents=True, exist_ok=True)
        held = mark.open("a", encoding="utf-8")
        try:
            _hold(held.fileno(), data)
            if fresh:
                _empty(data, mark, settings)
            held.truncate(0)
            held.write("State of mini-LGSP; `lgsp up --fresh` deletes what is in this folder.\n")
            held.flush()
        except BaseException:
            held.close()
            raise
    except OSError as error:
        if is_full(error):
            raise FatalError(describe(error, data)) from error
        raise ConfigurationError(
            f"LGSP_DATA={data}: {error.strerror}: {error.filename}"
        ) from error
    return held


def _hold(mark: int, data: Path) -> None:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigurationError(
            f"mini-LGSP runs already on {data}: stop it, or name another folder (--data)"
        ) from error


def _empty(data: Path, mark: Path, settings: Settings) -> None:
    if EmbeddedBroker(settings).alive():
        raise ConfigurationError(f"a broker runs on {data}: stop it with `lgsp broker stop`")
    for entry in data.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != mark:
            entry.unlink()
