"""`lgsp cells`: publish the day cells anew, when the topic `rate-cells` was lost."""

from typing import Annotated

import typer

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.kafka.topics import RATE_CELLS
from lgsp.store.engine import open_existing
from lgsp.store.rates.cells import mark_all_changed
from lgsp.store.rates.counted_by import check_counted_by, counted_by
from lgsp.store.tables import TABLES


def register(app: typer.Typer) -> None:
    """Add `lgsp cells publish`."""
    group = typer.Typer(help="The day cells on the topic rate-cells.", no_args_is_help=True)
    app.add_typer(group, name="cells")

    @group.command("publish")
    def publish(
        all_: Annotated[bool, typer.Option("--all", help="Every cell of the store.")] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Mark every cell as not published; the rates workers publish them, also while they run.

        Cells have absolute values, so whoever has read one before takes no harm.
        """
        settings = begin("cells", data)
        if not all_:
            raise ConfigurationError("changed cells are published by themselves; all: --all")
        profile = profile_named(settings.profile)
        engine = open_existing(settings.rates_store, TABLES, read_only=False)
        try:
            with engine.connect() as connection:
                if counted_by(connection) is None:
                    raise ConfigurationError("the store has counted nothing yet")
                check_counted_by(connection, profile)
            # Where they are to go: said here, not by a worker later.
            read_log(need_broker(settings).bootstrap, RATE_CELLS)
            report = {"cells": mark_all_changed(engine)}
        finally:
            engine.dispose()
        emit(report, as_json=json, render=lambda: table("To be published", report))
