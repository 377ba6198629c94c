"""How answers read the store: in one snapshot, counted by the profile that they answer for."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lgsp.domain.errors import RetryableError
from lgsp.domain.profiles.profile import Profile
from lgsp.store.engine import hide_password
from lgsp.store.rates.counted_by import check_counted_by


@contextmanager
def reading(engine: Engine, profile: Profile) -> Iterator[Connection]:
    """Open one snapshot of the store.

    Raises:
        RetryableError: the store cannot be read now.
        ConfigurationError: it was counted by another profile.
    """
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            check_counted_by(connection, profile)
            yield connection
    except DBAPIError as error:
        raise RetryableError(
            f"the store {hide_password(engine.url)} cannot be read: {error.orig}"
            " (the rates worker makes it when it first starts)"
        ) from error
    except PoolTimeoutError as error:
        raise RetryableError("the store has no connection left: too many ask at once") from error
