"""`lgsp evidence erase` and `lost`: what a person may do with evidence; it stands there, too."""

from typing import Annotated

import typer

from lgsp.cli.evidence.common import By, Code, Why, code_there, kept
from lgsp.cli.evidence.orders import keep
from lgsp.delivery.evidence.recorder import order_of
from lgsp.delivery.evidence.verifying import LOST
from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit, table
from lgsp.store.engine import snapshot
from lgsp.store.evidence.keeping import erase, stored_head
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.evidence.reading import rows_of


def register(group: typer.Typer) -> None:
    """Add the commands."""

    @group.command("erase")
    def erase_one(
        code: Code, why: Why, by: By = "", data: Data = None, json: Json = False
    ) -> None:
        """Erase for good what was sent of a dossier, as a duty demands; the hashes stand.

        What was sent, when and what was answered stays. Backups hold it until they are gone.
        """
        settings = begin("evidence", data)
        code = code_there(settings, code)
        with kept(settings) as engine, snapshot(engine) as connection:
            if not rows_of(connection, code):
                raise ConfigurationError(f"there is no evidence of {code}: nothing to erase")
        engine = open_evidence(settings.evidence_store)
        try:
            done = erase(engine, order_of(code, "erase", by, why, now_ms()))
        finally:
            engine.dispose()
        document = {"dossier": code, "erased": done.payloads, "row": done.seq}
        emit(document, as_json=json, render=lambda: table("Evidence", document))

    @group.command("lost")
    def lost(
        store: Annotated[str, typer.Argument(help="Id of the other store, as `verify` names it.")],
        why: Why,
        by: By = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Say that the evidence of a former store is gone for good; `verify` is told by this."""
        settings = begin("evidence", data)
        with kept(settings) as engine:
            if stored_head(engine).store == store:
                raise ConfigurationError(f"{store} is the store that is in use, and not lost")
        keep(settings, [order_of("", LOST, by, why, now_ms())._replace(theirs=store)])
        document = {"lost": store}
        emit(document, as_json=json, render=lambda: table("Evidence", document))
