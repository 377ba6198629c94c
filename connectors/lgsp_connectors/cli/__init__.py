"""`lgsp-connect`: list, start, check and run connectors."""

from lgsp_connectors.cli import portals
from lgsp_connectors.cli.commands import app

__all__ = ["app", "main"]

portals.register(app)


def main() -> None:
    """Run the command line; exit 0 ok, 1 failure at work, 2 bad usage or configuration."""
    app()
