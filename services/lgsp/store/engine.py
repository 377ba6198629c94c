"""Opens the store: SQLite (WAL, one file) or PostgreSQL behind one SQLAlchemy Core code path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from lgsp.domain.errors import ConfigurationError, FatalError

METADATA = MetaData()


def open_store(url: str, *, read_only: bool = False) -> Engine:
    """Open the store at `url` and make its tables when absent.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/database`.
        read_only: make nothing; reads see committed transactions only.

    Raises:
        ConfigurationError: the URL is wrong, its driver is not installed, or the store was made
            by another version.
        FatalError: the store cannot be opened.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigurationError(
            f"LGSP_STORE: {error} (SQLite is built in; PostgreSQL needs `pip install"
            " mini-lgsp[postgres]`)"
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, parsed, read_only=read_only)
    if not read_only:
        try:
            with engine.begin() as connection:
                make_tables(connection, METADATA)
        except SQLAlchemyError as error:
            raise FatalError(f"cannot open the store {hide_password(parsed)}: {error}") from error
    return engine


def make_tables(connection: Connection, metadata: MetaData) -> None:
    """Make the tables that are absent, inside the caller's transaction.

    Raises:
        ConfigurationError: one that is there has other columns.
    """
    metadata.create_all(connection)
    found = inspect(connection)
    for table in metadata.tables.values():
        columns = {column["name"] for column in found.get_columns(table.name)}
        if columns != {column.name for column in table.columns}:
            url = hide_password(connection.engine.url)
            raise ConfigurationError(
                f"the store {url} was made by another version (table {table.name}):"
                " keep it, and fill a new one from the log: lgsp rebuild --into URL"
            )


def hide_password(url: URL | str) -> str:
    """Return the URL with its password hidden."""
    return make_url(url).render_as_string(hide_password=True)


def upsert(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT that can carry ON CONFLICT (the same API in both)."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Connect to read; unlike `engine.begin` it keeps no writer out of SQLite."""
    with engine.connect() as connection:
        connection.execution_options(reading=True)
        yield connection


def execute(
    connection: Connection, statement: str, values: tuple[Any, ...] | list[tuple[Any, ...]] = ()
) -> Any:
    """Execute plain SQL with `?` for values, a list of tuples: once for each; return the cursor.

    The driver does it: for what runs with every batch. SQLAlchemy's way costs more than a small
    transaction itself. Errors are the driver's; a worker ends with them and resumes.
    """
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        statement = statement.replace("?", "%s")
    if isinstance(values, list):
        cursor.executemany(statement, values)
    else:
        cursor.execute(statement, values)
    return cursor


def _prepare_sqlite(engine: Engine, url: URL, *, read_only: bool) -> None:
    if url.database and url.database != ":memory:" and not read_only:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and too late for a snapshot.
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=20000")
        if read_only:
            connection.execute("PRAGMA query_only=1")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL keeps every commit over a killed process; a power cut may lose the
        # newest ones, which the log gives back because the offset is in the same transaction.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-65536")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        snapshot = read_only or connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")
