"""The `lgsp` command: one file an area, each with `register(app)`."""

import importlib
import sys

import typer

from lgsp.runtime.commands.program import Program

_AREAS = (
    "up",
    "demo",
    "broker",
    "topics",
    "schemas",
    "worker",
    "feed",
    "indicators",
    "explain",
    "transitions",
    "sync",
    "cells",
    "dead_letters",
    "drain",
    "rebuild",
    "backup",
    "restore",
    "upgrade",
    "simulate",
    "mock",
    "docs",
)


class Lgsp(Program):
    """The root command; it knows the errors of the store's drivers."""

    def translated(self, error: BaseException) -> BaseException:
        """Return a store's error as one of ours."""
        if "sqlalchemy" not in sys.modules:
            return error
        from lgsp.store.presence import as_store_error

        return as_store_error(error) or error


def build(command: str = "") -> typer.Typer:
    """Return the whole command, or only the part that `command` needs, which starts quicker."""
    app = typer.Typer(
        cls=Lgsp,
        name="lgsp",
        help="mini-LGSP: from provincial portals to the national portal and the IOC.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(lambda: None)  # one command alone would become the program itself
    area = command.replace("-", "_")
    for name in [area] if area in _AREAS else _AREAS:
        importlib.import_module(f"{__name__}.{name}").register(app)
    return app


def main() -> None:
    """Run the command of the process; exit codes: see lgsp.runtime.commands."""
    build(sys.argv[1] if len(sys.argv) > 1 else "")()
