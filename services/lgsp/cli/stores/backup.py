"""`lgsp backup` and `lgsp restore`: whole copies of the SQLite stores, and putting them back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Table

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import show_instant
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import file_of, url_of
from lgsp.store.copies import copy_live, write_manifest
from lgsp.store.engine import open_existing
from lgsp.store.evidence.opening import open_kept_evidence
from lgsp.store.rates.fold import LANE as RATES_LANE
from lgsp.store.sync.queue import LANE as SYNC_LANE
from lgsp.store.sync.tables import TABLES as SYNC_TABLES
from lgsp.store.tables import TABLES as RATES_TABLES

STORES: dict[str, tuple[str, tuple[Table, ...]]] = {
    "rates.db": (RATES_LANE, RATES_TABLES),
    "sync.db": (SYNC_LANE, SYNC_TABLES),
}
"""The SQLite files of an installation that are made from the log: lane and tables of each."""
EVIDENCE_NAME = "evidence.db"
"""The one that nothing can make anew."""


def register(app: typer.Typer) -> None:
    """Add `lgsp backup`."""

    @app.command("backup")
    def backup(
        to: Annotated[Path, typer.Option(help="A new folder.")],
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Copy the stores as they stand, while everything runs; `lgsp restore` puts them back.

        The log is the record and has its own backup: a store only saves the time of reading it,
        but for the evidence, which nothing else holds.
        """
        settings = begin("backup", data)
        report = back_up(settings, to)
        emit(report, as_json=json, render=lambda: table("Backup", _summary(report)))


def back_up(settings: Settings, folder: Path) -> dict[str, object]:
    """Copy the stores into a new folder; return what was copied.

    Raises:
        ConfigurationError: there is nothing to copy, it is PostgreSQL, or the folder is in use.
        FatalError: a copy is not whole.
    """
    refuse_postgres(settings, "pg_dump --format=custom --file=lgsp.dump URL")
    live = stores_of(settings)
    # A machine may run one of the processors; where none ran, that is said.
    files = {name: file for name, file in live.items() if file.is_file()} or live
    for name, file in files.items():
        open_existing(url_of(file), STORES[name][1]).dispose()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigurationError(f"--to {folder}: is not empty")
        copies = [copy_live(file, folder / name) for name, file in files.items()]
        if (evidence := evidence_file(settings)).is_file():  # last: it knows what the queue does
            open_kept_evidence(settings.evidence_store).dispose()
            copies.append(copy_live(evidence, folder / EVIDENCE_NAME))
        write_manifest(folder, copies, show_instant(now_ms()) or "")
    except OSError as error:
        raise ConfigurationError(f"--to {folder}: {error.strerror}") from error
    return {"folder": str(folder), "stores": [copy.document() for copy in copies]}


def _summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Say for a person how far each copy has read; `backup.json` has all of it."""
    return {"folder": report["folder"]} | {
        store["file"]: f"{sum(store['positions'].values()):,} log records read"
        if store["positions"]
        else "copied"
        for store in report["stores"]
    }


def stores_of(settings: Settings) -> dict[str, Path]:
    """Return the SQLite files of the settings by name; with LGSP_STORE one holds both lanes."""
    files = {"rates.db": file_of(settings.rates_store), "sync.db": file_of(settings.sync_store)}
    if files["rates.db"] == files["sync.db"]:
        del files["sync.db"]
    return files


def evidence_file(settings: Settings) -> Path:
    """Return the SQLite file of the evidence."""
    return Path(settings.evidence_store.removeprefix("sqlite:///"))


def refuse_postgres(settings: Settings, instead: str) -> None:
    """Raise ConfigurationError, with PostgreSQL's own way, when the store is no SQLite file."""
    if not settings.rates_store.startswith("sqlite:"):
        raise ConfigurationError(
            f"the store is PostgreSQL, which has its own tools: {instead}"
            " (docs/how-to/back-up-and-restore.md)"
        )
