"""Opens the store: SQLite (WAL, one file) or PostgreSQL behind one SQLAlchemy Core code path."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Index,
    MetaData,
    Table,
    TextClause,
    create_engine,
    inspect,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.disk import refused
from lgsp.runtime.store_away import StoreAway
from lgsp.store.postgres import connect_arguments
from lgsp.store.presence import as_store_error, driven, watch_store
from lgsp.store.sqlite import prepare_sqlite

METADATA = MetaData()
_UPGRADE = "`lgsp upgrade` makes a new one from the log and keeps this one"
_BROKEN = "malformed"  # SQLite's word
_NOTHING_YET = (
    "nothing has run here yet; start it with `lgsp up`, or name the folder of its state with"
    " --data or LGSP_DATA (LGSP_STORE: a store elsewhere)"
)


def partial_index(
    name: str, *columns: ColumnElement[Any], where: ColumnElement[bool] | TextClause
) -> Index:
    """Index only the rows that meet a condition."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def open_store(
    url: str,
    *,
    read_only: bool = False,
    named: str = "LGSP_STORE",
    metadata: MetaData = METADATA,
    prepared: Callable[[Engine], None] = lambda _engine: None,
) -> Engine:
    """Open the store at `url` and make its tables when absent.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/database`.
        read_only: make nothing; reads see committed transactions only.
        named: the setting or option that holds the URL, for messages.
        metadata: the tables to make.
        prepared: called before the first connection is made.

    Raises:
        ConfigurationError: the URL is wrong, its driver is not installed, or the store was made
            by another version.
        FatalError: the store cannot be opened.
        StoreAway: not now: it is locked, away, or has no room.
    """
    arguments: dict[str, Any] = {}
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            arguments = connect_arguments(parsed)
            parsed = parsed.difference_update_query(["options"])
        engine = create_engine(
            parsed,
            connect_args=arguments,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            hide_parameters=True,  # values of a failed statement are dossiers
        )
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        is_known = isinstance(error, NoSuchModuleError | ImportError)
        what = str(error) if is_known else "no SQLAlchemy URL"
        raise ConfigurationError(
            f"{named}: {what} (sqlite:///PATH is built in; postgresql://USER:PASSWORD@HOST/NAME"
            " needs `pip install mini-lgsp[postgres]`)"
        ) from error
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine, parsed, read_only=read_only)
    watch_store(engine)
    prepared(engine)
    if not read_only:
        with _translated(engine), engine.begin() as connection:
            make_tables(connection, metadata)
    return engine


def make_tables(connection: Connection, metadata: MetaData) -> None:
    """Make the tables that are absent, inside the caller's transaction.

    Raises:
        ConfigurationError: one that is there has other columns.
    """
    metadata.create_all(connection)
    _check_layout(connection, metadata.tables.values())


def open_existing(url: str, tables: Iterable[Table], *, read_only: bool = True) -> Engine:
    """Open a store for a command that asks or changes what is there, and makes nothing.

    Args:
        url: as of `open_store`.
        tables: those that the command needs.
        read_only: reads see committed transactions only.

    Raises:
        ConfigurationError: there is no store, it is something else, or of another layout; the
            message names the way out.
        FatalError: it cannot be read now.
    """
    engine = open_store(url, read_only=True)
    wanted = list(tables)
    try:
        file = engine.url.database or ""
        if engine.dialect.name == "sqlite" and not Path(file).is_file():
            raise ConfigurationError(
                f"there is no file {str(Path(file).absolute())!r}: {_NOTHING_YET}"
            )
        with _translated(engine), engine.connect() as connection:
            present = set(inspect(connection).get_table_names())
            if not present & {table.name for table in wanted}:
                raise ConfigurationError(
                    f"the store {hide_password(engine.url)} has no tables: {_NOTHING_YET}"
                )
            _check_layout(connection, wanted)
    except BaseException:
        engine.dispose()
        raise
    if read_only:
        return engine
    engine.dispose()
    return open_store(url)


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    """Turn what opening a store may meet into one of our errors."""
    name = hide_password(engine.url)
    try:
        yield
    except SQLAlchemyError as error:
        if "file is not a database" in str(error):
            raise ConfigurationError(
                f"{engine.url.database} is no store (not a SQLite file): move it away"
            ) from error
        if _BROKEN in str(error):
            raise ConfigurationError(
                f"the store {engine.url.database} is broken ({as_store_error(error) or error}):"
                " stop all that runs on it, then `lgsp restore --from FOLDER`, or move it away"
                " with its -wal and -shm: an empty one is filled from the log"
            ) from error
        said = as_store_error(error) or error
        way = refused(Path(engine.url.database or "")) if engine.dialect.name == "sqlite" else ""
        words = f"cannot open the store {name}: {said}" + (f": {way}" if way else "")
        raise FatalError(words) from error
    except StoreAway as error:
        raise StoreAway(f"cannot open the store {name}: {error}") from error


def hide_password(url: URL | str) -> str:
    """Return the URL for people: password and options hidden, the path of a file as it is."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite:///{parsed.database or ''}"
    return parsed.set(query={}).render_as_string(hide_password=True)


def upsert(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT that can carry ON CONFLICT (the same API in both)."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Connect to read; unlike `engine.begin` it keeps no writer out of SQLite."""
    with engine.connect() as connection:
        connection.execution_options(reading=True)
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Connect to read one state of the store, however many reads it takes and whoever writes."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with reading(engine) as connection:
        yield connection


def execute(
    connection: Connection, statement: str, values: tuple[Any, ...] | list[tuple[Any, ...]] = ()
) -> Any:
    """Execute plain SQL with `?` for values, a list of tuples: once for each; return the cursor.

    The driver does it: for what runs with every batch. SQLAlchemy's way costs more than a small
    transaction itself. Errors are the driver's, or StoreAway where it may succeed later.
    """
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        statement = statement.replace("?", "%s")
    with driven(connection):
        if isinstance(values, list):
            cursor.executemany(statement, values)
        else:
            cursor.execute(statement, values)
    return cursor


def _check_layout(connection: Connection, tables: Iterable[Table]) -> None:
    found = inspect(connection)
    for table in tables:
        columns = set()
        if found.has_table(table.name):
            columns = {column["name"] for column in found.get_columns(table.name)}
        if columns != {column.name for column in table.columns}:
            url = hide_password(connection.engine.url)
            raise ConfigurationError(
                f"the store {url} was made by another version (table {table.name}): {_UPGRADE}"
            )
