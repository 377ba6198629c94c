"""`lgsp broker`: the embedded Apache Kafka of the data directory."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgsp.domain.errors import FatalError
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.settings import Settings

if TYPE_CHECKING:  # the Kafka client is only loaded when a command runs
    from lgsp.runtime.broker.embedded import EmbeddedBroker

_LOOK_EVERY = 0.5


def register(app: typer.Typer) -> None:
    """Add `lgsp broker start|stop|status`."""
    broker = typer.Typer(help="The embedded Apache Kafka.", no_args_is_help=True)
    app.add_typer(broker, name="broker")

    @broker.command("start")
    def start(
        foreground: Annotated[
            bool, typer.Option("--foreground", help="Run until SIGTERM instead of in background.")
        ] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Start it and return when a client can produce; nothing to do with LGSP_BROKER set."""
        settings = begin("broker", data)
        if settings.broker:
            _show("broker", _external(settings), as_json=json)
            return
        from lgsp.runtime.broker.embedded import EmbeddedBroker

        broker = EmbeddedBroker(settings)
        broker.start(detached=not foreground)
        _show("broker", asdict(broker.status()), as_json=json)
        if foreground:
            _stay(broker)

    @broker.command("stop")
    def stop(data: Data = None, json: Json = False) -> None:
        """Stop it cleanly; exit 0 when none was running, too."""
        from lgsp.runtime.broker.embedded import EmbeddedBroker

        stopped = EmbeddedBroker(begin("broker", data)).stop()
        _show("broker", {"stopped": stopped}, as_json=json)

    @broker.command("status")
    def status(data: Data = None, json: Json = False) -> None:
        """Say what runs; exit 0 when it runs, 1 when it does not."""
        settings = begin("broker", data)
        if settings.broker:
            _show("broker", _external(settings), as_json=json)
            return
        from lgsp.runtime.broker.embedded import EmbeddedBroker

        found = EmbeddedBroker(settings).status()
        _show("broker", asdict(found), as_json=json)
        raise typer.Exit(0 if found.running else 1)


def _external(settings: Settings) -> dict[str, Any]:
    return {"external": settings.broker, "note": "LGSP_BROKER is set: no broker is started"}


def _show(title: str, document: dict[str, Any], *, as_json: bool) -> None:
    ports = {name: str(value) for name, value in document.items() if type(value) is int}
    shown = document | ports  # without separators
    emit(document, as_json=as_json, render=lambda: table(title, shown))


def _stay(broker: "EmbeddedBroker") -> None:
    from lgsp.runtime.stopping.signals import StopSignal

    with StopSignal() as stopping:
        while not stopping():
            code = broker.wait(_LOOK_EVERY)
            if code is not None:
                raise FatalError(f"the broker ended with code {code}: see {broker.log_file}")
    broker.stop()
