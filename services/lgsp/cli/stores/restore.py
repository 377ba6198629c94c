"""`lgsp restore`: put the stores of a backup back, when they belong to the log and are whole."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from lgsp.cli.evidence.copies import RESTORED, evidence_to_restore, put_evidence
from lgsp.cli.stores.backup import EVIDENCE_NAME, STORES, evidence_file, refuse_postgres, stores_of
from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import url_of
from lgsp.store.copies import alone, check_whole, copy_file, put_in_place, read_backup
from lgsp.store.engine import open_existing
from lgsp.store.identity import check_ends, check_log
from lgsp.store.offsets import count_behind, stored_offsets


def register(app: typer.Typer) -> None:
    """Add `lgsp restore`."""

    @app.command("restore")
    def restore(
        from_: Annotated[Path, typer.Option("--from", help="Folder of a `lgsp backup`.")],
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Put the stores of a backup in the place of the live ones, which are kept beside.

        Stop workers and feed first; the broker must run. The next workers go on with the log from
        where the backup stood. Evidence that goes on after the copy of it stays as it is.
        """
        report = put_back(begin("restore", data), from_)
        emit(report, as_json=json, render=lambda: table("Restored", report))


def put_back(settings: Settings, folder: Path) -> dict[str, object]:
    """Check every store of the backup, then put all of them in place; return what was done.

    Raises:
        ConfigurationError: it is no backup, changed since, of another layout or log; or a live
            store is in use.
        FatalError: a copy is not whole.
        RetryableError: no broker answers.
    """
    refuse_postgres(settings, "pg_restore --clean --if-exists --single-transaction -d URL FILE")
    made_at, all_copies = read_backup(folder)
    copies = [copy for copy in all_copies if copy.file != EVIDENCE_NAME]
    with_evidence, live = len(copies) < len(all_copies), stores_of(settings)
    found = evidence_to_restore(settings, folder) if with_evidence else "not in the backup"
    if unknown := sorted({copy.file for copy in copies} - set(live)):
        raise ConfigurationError(
            f"{folder} has {unknown[0]}, and these settings have no such store"
        )
    bootstrap = need_broker(settings).bootstrap
    log, behind = read_log(bootstrap, settings.events_topic), 0
    for copy in copies:
        lane, tables = STORES[copy.file]
        check_whole(folder / copy.file)
        engine = open_existing(url_of(folder / copy.file), tables)
        try:
            with engine.connect() as connection:
                check_log(connection, lane, log, bootstrap)
                stored = stored_offsets(connection, lane, settings.events_topic)
        finally:
            engine.dispose()
        ends = end_offsets(bootstrap, settings.events_topic)
        check_ends(stored, ends, settings.events_topic, bootstrap)
        behind = max(behind, count_behind(ends, stored))
    kept = []
    with ExitStack() as held:
        if found == RESTORED:
            held.enter_context(alone(evidence_file(settings)))
        for copy in copies:
            live[copy.file].parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(alone(live[copy.file]))
        parts = {c.file: live[c.file].with_name(f"{live[c.file].name}.part") for c in copies}
        for copy in copies:
            copy_file(folder / copy.file, parts[copy.file])
        for copy in copies:
            kept.append(put_in_place(parts[copy.file], live[copy.file], "before-restore"))
        if found == RESTORED:
            kept.append(put_evidence(settings, folder))
    return {
        "from": str(folder),
        "made_at": made_at,
        "stores": [copy.file for copy in copies],
        "evidence": found,
        "kept": [str(path) for path in kept if path],
        "to_count": behind,
    }
