"""`lgsp up`: everything on one machine in the foreground, until SIGTERM or Ctrl-C."""

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from lgsp.cli.drain import wait_drained
from lgsp.cli.stack import Stack
from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings
from lgsp.runtime.supervisor import StopSignal

_MARK = "lgsp-data"
_DRAIN_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add `lgsp up`."""

    @app.command("up")
    def up(
        data: Annotated[Path | None, typer.Option(help="Folder of all state.")] = None,
        fresh: Annotated[bool, typer.Option("--fresh", help="Delete the state first.")] = False,
    ) -> None:
        """Run broker, national mock, processors and IOC feed; drain and stop on SIGTERM."""
        overrides: dict[str, Any] = {"data": data} if data else {}
        settings = load_settings(**overrides)
        configure_logs(settings, service="up")
        prepare_data(settings.data, fresh=fresh)
        log = structlog.get_logger()
        stack = Stack(settings, overrides)
        with StopSignal() as stopping:
            try:
                stack.start(stopping)
                if not stopping():
                    sys.stderr.write(f"ready: {stack.url}\n")
                    sys.stderr.flush()
                while not stopping():
                    stack.tend()
                    time.sleep(0.2)
                left = wait_drained(settings, _DRAIN_SECONDS)
                log.info("drained" if left.empty else "not_drained", **left.summary())
            finally:
                stack.stop()


def prepare_data(data: Path, *, fresh: bool) -> None:
    """Make the data folder; empty it first when asked, but only a folder that is ours.

    Raises:
        ConfigurationError: the folder holds something that we did not put there.
    """
    if fresh and data.exists():
        if any(data.iterdir()) and not (data / _MARK).exists():
            raise ConfigurationError(
                f"--fresh: {data} is not empty and has no file {_MARK}: not deleted"
            )
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARK).write_text("State of mini-LGSP; `lgsp up --fresh` deletes this folder.\n")
