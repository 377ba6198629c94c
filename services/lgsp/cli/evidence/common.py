"""What the commands of evidence share: the store, the published heads, the dossier's code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy import Engine

from lgsp.cli.evidence.orders import codes_there
from lgsp.delivery.evidence.heads import read_heads
from lgsp.domain.errors import LgspError, RetryableError
from lgsp.domain.evidence.chain import ChainHead
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_existing
from lgsp.store.evidence.opening import open_kept_evidence
from lgsp.store.sync.tables import QUEUE

Code = Annotated[str, typer.Argument(help="Dossier, by our code or the national one.")]
Why = Annotated[str, typer.Option(help="The reason, in words; it stands in the evidence.")]
By = Annotated[
    str, typer.Option(help="Who gives the order; else the user of the operating system.")
]


@contextmanager
def kept(settings: Settings) -> Iterator[Engine]:
    """Open the store for a command that reads."""
    engine = open_kept_evidence(settings.evidence_store)
    try:
        yield engine
    finally:
        engine.dispose()


def code_there(settings: Settings, code: str) -> str:
    """Return the code by which the portal knows the dossier, as far as the sync tells."""
    try:
        engine = open_existing(settings.sync_store, [QUEUE])
    except LgspError:  # without a queue it is taken for the national one
        return code
    try:
        with engine.connect() as connection:
            return codes_there(connection, [code])[code]
    finally:
        engine.dispose()


def heads_of(settings: Settings) -> tuple[list[ChainHead], str]:
    """Return what was published, and why it could not be read, or not all of it."""
    try:
        heads, unreadable = read_heads(need_broker(settings).bootstrap)
    except RetryableError as error:
        return [], str(error)
    return heads, f"{unreadable} records of it are no heads" if unreadable else ""
