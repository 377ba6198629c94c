"""`lgsp worker`: one processor in the foreground."""

import importlib
from enum import StrEnum

import typer

from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings


class Processor(StrEnum):
    """The processors there are."""

    RATES = "rates"
    NATIONAL_SYNC = "national-sync"


def register(app: typer.Typer) -> None:
    """Add `lgsp worker`."""

    @app.command("worker")
    def worker(processor: Processor) -> None:
        """Run one processor until SIGTERM; start more of them to share its partitions."""
        settings = load_settings()
        configure_logs(settings, service=processor.value)
        module = importlib.import_module(f"lgsp.processors.{processor.name.lower()}")
        raise typer.Exit(module.run(settings))
