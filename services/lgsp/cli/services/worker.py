"""`lgsp worker`: one processor in the foreground."""

import importlib
from enum import StrEnum
from typing import Annotated

import typer

from lgsp.runtime.commands.options import Data, ServiceJson, begin
from lgsp.runtime.commands.output import emit_service
from lgsp.runtime.ports import http_url


class Processor(StrEnum):
    """The processors there are."""

    RATES = "rates"
    NATIONAL_SYNC = "national-sync"


_PORT_AFTER = {Processor.RATES: 0, Processor.NATIONAL_SYNC: 1}  # of LGSP_METRICS_PORT


def register(app: typer.Typer) -> None:
    """Add `lgsp worker`."""

    @app.command("worker")
    def worker(
        processor: Annotated[Processor, typer.Argument(help="Which one.")],
        data: Data = None,
        json: ServiceJson = False,
    ) -> None:
        """Run one processor until SIGTERM; start more of them to share its partitions."""
        settings = begin(processor.value, data)
        module = importlib.import_module(f"lgsp.processors.{processor.name.lower()}")
        port = settings.metrics_port + _PORT_AFTER[processor]
        health = f"{http_url(settings.metrics_host, port)}/readyz"
        emit_service(processor.value, "starting", as_json=json, health=health)
        raise typer.Exit(module.run(settings))
