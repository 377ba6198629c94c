"""`lgsp evidence show` and `export`: the rows of one dossier, in words and for an auditor."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from lgsp.cli.evidence.common import Code, code_there, heads_of, kept
from lgsp.delivery.evidence.export import export
from lgsp.delivery.evidence.happenings import Happening, happenings, payload_state
from lgsp.delivery.evidence.recorder import open_payload
from lgsp.domain.errors import ConfigurationError, RejectedRecord
from lgsp.domain.evidence.row import EvidenceRow
from lgsp.domain.period import show_instant
from lgsp.national.client import LOOK_UP, PROCEDURE, PROGRESS, SAVE
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, list_table, local_time, table
from lgsp.runtime.sealing import key_file, load
from lgsp.runtime.settings import Settings
from lgsp.store.engine import snapshot
from lgsp.store.evidence.keeping import read_head
from lgsp.store.evidence.reading import linked_rows, rows_of

_SERVICES = {
    SAVE: "the record",
    PROGRESS: "progress steps",
    LOOK_UP: "what it holds",
    PROCEDURE: "a procedure",
}


def register(group: typer.Typer) -> None:
    """Add the commands."""

    @group.command("show")
    def show(code: Code, data: Data = None, json: Json = False) -> None:
        """What was sent of a dossier, when, what was answered, and who gave orders for it."""
        settings = begin("evidence", data)
        code = code_there(settings, code)
        with kept(settings) as engine, snapshot(engine) as connection:
            found = happenings(rows_of(connection, code), _SERVICES)
        document = {"dossier": code, "calls": [_document(each) for each in found]}
        emit(document, as_json=json, render=lambda: _table(code, found))

    @group.command("export")
    def export_one(
        code: Code,
        out: Annotated[Path, typer.Option(help="A new file; a README is put beside it.")],
        opened: Annotated[
            bool, typer.Option("--open", help="With what was sent in clear: personal data.")
        ] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Write the rows of a dossier as JSON lines, with how to check their hashes by hand."""
        settings = begin("evidence", data)
        code = code_there(settings, code)
        read = _opener(settings) if opened else None
        heads, unread = heads_of(settings)
        with kept(settings) as engine, snapshot(engine) as connection:
            head, linked = read_head(connection), linked_rows(connection, code)
        if not linked:
            raise ConfigurationError(f"there is no evidence of {code}: nothing was sent of it")
        ours = [each for each in heads if each.store == head.store]
        try:
            readme = export(out, code, linked, head, ours, read)
        except OSError as error:
            raise ConfigurationError(f"--out {error.filename}: {error.strerror}") from error
        document = {
            "dossier": code,
            "rows": len(linked),
            "file": str(out),
            "readme": str(readme),
            "heads": unread or "compared",
        }
        emit(document, as_json=json, render=lambda: table("Exported", document))


def _opener(settings: Settings) -> Callable[[EvidenceRow], object]:
    sealer = load(key_file(settings))

    def read(row: EvidenceRow) -> object:
        if row.sealed is None:
            return None
        try:
            return orjson.loads(open_payload(sealer, row.sealed, row.dossier, row.call))
        except (RejectedRecord, zlib.error, ValueError) as error:
            return f"cannot be opened: {error}"

    return read


def _document(found: Happening) -> dict[str, Any]:
    row, answer = found.row, found.answer
    said = answer or row
    return {
        "row": row.seq,
        "answer_row": None if answer is None else answer.seq,
        "at": show_instant(row.at),
        "kind": row.kind,
        "service": row.service,
        "statuses": row.statuses.split(",") if row.statuses else [],
        "who": row.who,
        "call": row.call,
        "http": said.http or None,
        "code": said.code,
        "message": said.message,
        "their_id": said.theirs,
        "judged": said.judged,
        "seconds": said.millis / 1000,
        "payload": payload_state(row),
        "payload_hash": row.sealed_hash.hex(),
        "words": found.words,
    }


def _table(code: str, found: list[Happening]) -> Table:
    rows = [(str(each.row.seq), local_time(each.row.at), each.words) for each in found]
    title = f"Evidence of {code}" if rows else f"Nothing was ever sent of {code}"
    return list_table(title, ("row", "at", "what happened"), rows, codes=["row", "at"])
