"""`lgsp evidence`: what was sent to the national portal, and whether anybody changed it since."""

import typer

from lgsp.cli.evidence import hand, show, verify


def register(app: typer.Typer) -> None:
    """Add `lgsp evidence show|export|verify|erase|lost`."""
    group = typer.Typer(
        help="What was sent to the national portal and answered.", no_args_is_help=True
    )
    app.add_typer(group, name="evidence")
    for part in (show, verify, hand):
        part.register(group)
