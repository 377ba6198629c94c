"""`lgsp feed`: the IOC feed and its page in the foreground."""

import typer

from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `lgsp feed`."""

    @app.command("feed")
    def feed(
        host: str = typer.Option(None, help="Address to listen on (LGSP_FEED_HOST)."),
        port: int = typer.Option(None, help="Port; 0: any free one (LGSP_FEED_PORT)."),
    ) -> None:
        """Serve the figures (HTTP, SSE) and the page until SIGTERM; only reads the store."""
        settings = load_settings(feed_host=host, feed_port=port)
        configure_logs(settings, service="ioc-feed")
        from lgsp.ioc.serve import run

        raise typer.Exit(run(settings))
