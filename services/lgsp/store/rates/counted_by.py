"""The profile whose day cells a store holds: set when it is first counted into, never changed."""

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.profile import Profile
from lgsp.store.engine import hide_password, make_tables
from lgsp.store.rates.cells import DayCells, day_cells
from lgsp.store.rates.dossiers import check_layout
from lgsp.store.tables import COUNTED_BY, DOSSIERS

_BEFORE = "an earlier version of this program"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('lgsp counted_by'))")


def claim(engine: Engine, profile: Profile) -> DayCells:
    """Make the store the profile's, with its table of cells, or see that it is; return the cells.

    Workers may do so at once.

    Raises:
        ConfigurationError: the cells were counted by another profile or version.
    """
    cells = day_cells(profile.measures)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME)
        found = counted_by(connection)
        if found is None and _has_cells(connection):
            raise _refusal(engine, _BEFORE, profile)
        _compare(engine, found, profile)
        check_layout(connection, DOSSIERS)
        make_tables(connection, cells.table.metadata)
        if found is None:
            connection.execute(insert(COUNTED_BY).values(**profile.document()))
    return cells


def check_counted_by(connection: Connection, profile: Profile) -> None:
    """Raise ConfigurationError when the cells were counted by another profile or version."""
    _compare(connection.engine, counted_by(connection), profile)


def counted_by(connection: Connection) -> str | None:
    """Return the label of the profile that the store belongs to; None: nothing was counted."""
    row = connection.execute(select(COUNTED_BY.c.name, COUNTED_BY.c.version)).first()
    return None if row is None else f"{row.name}/{row.version}"


def counted_name(connection: Connection) -> str | None:
    """Return that profile's name, whatever its version."""
    return connection.execute(select(COUNTED_BY.c.name)).scalar()


def _compare(engine: Engine, found: str | None, profile: Profile) -> None:
    if found not in {None, profile.label}:
        raise _refusal(engine, f"profile {found}", profile)


def _has_cells(connection: Connection) -> bool:
    if not inspect(connection).has_table("cells"):
        return False
    return connection.exec_driver_sql("SELECT 1 FROM cells LIMIT 1").first() is not None


def _refusal(engine: Engine, counter: str, profile: Profile) -> ConfigurationError:
    way = "`lgsp upgrade` makes a new one from the log and keeps this one"
    if counter.partition("/")[0] not in {f"profile {profile.name}", _BEFORE}:
        way = (
            "keep it, and fill a new one from the log:"
            f" LGSP_PROFILE={profile.name} lgsp rebuild --no-compare --into URL"
        )
    return ConfigurationError(
        f"the store {hide_password(engine.url)} was counted by {counter},"
        f" not by profile {profile.label}: {way}"
    )
