"""Opens a store of evidence. It is moved on from layout to layout, never made anew."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, event, inspect, select, update

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.evidence.row import beginning
from lgsp.store.engine import hide_password, open_existing, open_store, reading, upsert
from lgsp.store.evidence.tables import EVIDENCE, HEAD, TABLES

TABLE_LAYOUT = 1
MIGRATIONS: Mapping[int, Sequence[str]] = {}
"""Layout -> the statements that make the next one of it, in one transaction.

A row's columns that are hashed stay as they are; new ones begin with rows of a new layout.
"""

_ABSENT = "no evidence yet: the national sync keeps it from its first call on"


def open_evidence(url: str) -> Engine:
    """Open the store to write, and make it when there is none.

    Raises:
        ConfigurationError: the URL is wrong, or the store is of another layout.
        FatalError: it cannot be opened.
        StoreAway: not now.
    """
    _check_there(url)
    engine = open_store(url, metadata=EVIDENCE, prepared=_prepare)
    try:
        with engine.begin() as connection:
            _make_head(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_kept_evidence(url: str) -> Engine:
    """Open a store that is there, to read.

    Raises:
        ConfigurationError: there is none, or it is of another layout; the way out is named.
        FatalError: it cannot be read now.
    """
    engine = open_store(url, read_only=True)
    try:
        if not has_evidence(engine):
            raise ConfigurationError(f"{hide_password(engine.url)}: {_ABSENT}")
        with engine.connect() as connection:
            _check(connection)
    except BaseException:
        engine.dispose()
        raise
    engine.dispose()
    return open_existing(url, TABLES)


def has_evidence(engine: Engine) -> bool:
    """Tell whether there is a store of evidence, of whatever layout."""
    file = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not Path(file).is_file():
        return False
    with engine.connect() as connection:
        return inspect(connection).has_table(HEAD.name)


def move_on(url: str) -> tuple[int, int]:
    """Bring the tables to the layout of this version; return the layout before and now.

    Raises:
        ConfigurationError: it is of a later version.
    """
    engine = open_store(url, metadata=MetaData(), prepared=_prepare)  # makes no table
    try:
        with engine.begin() as connection:
            before = layout_of(connection)
            for layout in range(before, TABLE_LAYOUT):
                for statement in MIGRATIONS[layout]:
                    connection.exec_driver_sql(statement)
            if before < TABLE_LAYOUT:
                connection.execute(update(HEAD).values(layout=TABLE_LAYOUT))
            _check(connection)
            return before, TABLE_LAYOUT
    finally:
        engine.dispose()


def _check_there(url: str) -> None:
    """Raise ConfigurationError when there is a store of another layout."""
    engine = open_store(url, read_only=True)
    try:
        if has_evidence(engine):
            with reading(engine) as connection:
                _check(connection)
    finally:
        engine.dispose()


def _prepare(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The other stores get back from the log what a power cut takes; nothing gives back this.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten


def _make_head(connection: Connection) -> None:
    if connection.execute(select(HEAD.c.id)).first() is None:
        name = secrets.token_hex(6)
        connection.execute(
            upsert(connection.dialect, HEAD)  # another worker may be as quick
            .values(number=0, id=name, layout=TABLE_LAYOUT, seq=0, hash=beginning(name), at=0)
            .on_conflict_do_nothing()
        )


def layout_of(connection: Connection) -> int:
    """Return the layout of the tables, of whatever version."""
    # By name alone: the table may be of another version.
    found: int = connection.exec_driver_sql("SELECT layout FROM evidence_head").scalar_one()
    return found


def _check(connection: Connection) -> None:
    if (found := layout_of(connection)) != TABLE_LAYOUT:
        out = (
            "`lgsp upgrade` moves it on, and keeps every row"
            if found < TABLE_LAYOUT
            else "a later version has written it: use that one"
        )
        raise ConfigurationError(
            f"the evidence {hide_password(connection.engine.url)} is of layout {found}, and this"
            f" version writes {TABLE_LAYOUT}: {out}"
        )
