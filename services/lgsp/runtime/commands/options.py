"""What every command takes, and how every command begins."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.runtime.commands.errors import keep_traces_in
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import Settings, load_settings
from lgsp.runtime.supervision.process import allow_open_files

MOST = 10**9
"""Largest number that an option takes where nothing smaller bounds it."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ServiceJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout when it starts.")
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of all local state (LGSP_DATA).")
]


def begin(
    service: str, data: Path | None = None, *, shares: bool = False, **overrides: Any
) -> Settings:
    """Read the settings and send logs to stderr; the first thing that a command does.

    What it writes only its owner may read from then on: state, logs, the broker's log.

    Args:
        service: name of the command in the logs.
        data: the option --data.
        shares: it writes files for others, a YAML for one; they have the modes of the shell.
        overrides: settings that other options set; None leaves them as they are.

    Raises:
        ConfigurationError: with every fault of the settings; or the data folder is a file.
    """
    settings = load_settings(data=data, **overrides)
    if not shares:
        os.umask(0o077)
    allow_open_files()
    configure_logs(settings, service=service)
    keep_traces_in(settings.data / "logs")
    if settings.data.exists() and not settings.data.is_dir():
        message = "is a file: name the folder of the state with --data or LGSP_DATA"
        raise ConfigurationError(
            [Fault(message=message, key="LGSP_DATA", value=str(settings.data))]
        )
    return settings
