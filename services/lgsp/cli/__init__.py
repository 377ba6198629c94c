"""The `lgsp` command: one file an area, each with `register(app)`."""

import importlib
import json
import sys

import typer

from lgsp.domain.errors import ConfigurationError, LgspError

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
    "sync",
    "dead_letters",
    "drain",
    "rebuild",
    "simulate",
    "mock",
    "docs",
)


def build(command: str = "") -> typer.Typer:
    """Return the whole command, or only the part that `command` needs, which starts quicker."""
    app = typer.Typer(
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
    """Run the command; exit 0 on success, 1 on failure at work, 2 on bad usage or settings."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else "")()
    except ConfigurationError as error:
        _report_error("configuration", error)
        sys.exit(2)
    except LgspError as error:
        _report_error("failed", error)
        sys.exit(1)


def _report_error(what: str, error: LgspError) -> None:
    sys.stderr.write(f"{what}: {error}\n")
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": str(error)}, ensure_ascii=False) + "\n")
