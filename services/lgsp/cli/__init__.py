"""The `lgsp` command: one file an area, each with `register(app)`, in rooms by what they do."""

import importlib
import sys

import typer

from lgsp.runtime.commands.program import CONTEXT, Program, root

_AREAS = {
    "up": "services.up",
    "demo": "demo",
    "broker": "log.broker",
    "topics": "log.topics",
    "schemas": "log.schemas",
    "worker": "services.worker",
    "feed": "services.feed",
    "indicators": "figures.indicators",
    "explain": "figures.explain",
    "transitions": "figures.transitions",
    "sync": "sync",
    "evidence": "evidence",
    "reconcile": "reconcile.command",
    "cells": "log.cells",
    "dead_letters": "log.dead_letters",
    "drain": "services.drain",
    "rebuild": "stores.rebuild",
    "backup": "stores.backup",
    "restore": "stores.restore",
    "upgrade": "stores.upgrade",
    "simulate": "simulate",
    "mock": "services.mock",
    "docs": "docs",
}


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
        context_settings=CONTEXT,
        name="lgsp",
        help="mini-LGSP: from provincial portals to the national portal and the IOC.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(root)  # without it one command alone would become the program itself
    area = command.replace("-", "_")
    for name in [area] if area in _AREAS else _AREAS:
        importlib.import_module(f"{__name__}.{_AREAS[name]}").register(app)
    return app


def main() -> None:
    """Run the command of the process; exit codes: see lgsp.runtime.commands."""
    build(sys.argv[1] if len(sys.argv) > 1 else "")()
