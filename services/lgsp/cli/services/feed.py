"""`lgsp feed`: the IOC feed and its page in the foreground."""

from typing import Annotated

import typer

from lgsp.runtime.commands.options import Data, ServiceJson, begin
from lgsp.runtime.commands.output import emit_service


def register(app: typer.Typer) -> None:
    """Add `lgsp feed`."""

    @app.command("feed")
    def feed(
        host: Annotated[
            str | None, typer.Option(help="Address to listen on (LGSP_FEED_HOST).")
        ] = None,
        port: Annotated[
            int | None, typer.Option(help="Port; 0: any free one (LGSP_FEED_PORT).")
        ] = None,
        data: Data = None,
        json: ServiceJson = False,
    ) -> None:
        """Serve the figures (HTTP, SSE) and the page until SIGTERM; only reads the store."""
        settings = begin("ioc-feed", data, feed_host=host, feed_port=port)
        from lgsp.ioc.serve import run

        def on_ready(url: str) -> None:
            emit_service("ioc-feed", "ready", as_json=json, url=url)

        raise typer.Exit(run(settings, on_ready))
