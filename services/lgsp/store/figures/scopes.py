"""Which units, domains and procedures the store has counted anything for."""

import threading
import time
from dataclasses import dataclass

from sqlalchemy import Engine, select

from lgsp.domain.codes import in_unit
from lgsp.domain.figures import Scope
from lgsp.domain.profiles.profile import Profile
from lgsp.store.figures.reading import reading
from lgsp.store.tables import SERVICES

_LOOK_EVERY = 1.0  # seconds; questions about what is not there must not cost a look each


@dataclass(frozen=True, slots=True)
class _Known:
    agencies: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    procedures: frozenset[str] = frozenset()

    def lacks(self, scope: Scope) -> tuple[str, str] | None:
        if scope.unit and not any(in_unit(agency, scope.unit) for agency in self.agencies):
            return "unit", scope.unit
        if scope.domain and scope.domain not in self.domains:
            return "domain", scope.domain
        if scope.procedure and scope.procedure not in self.procedures:
            return "procedure", scope.procedure
        return None


class KnownScopes:
    """Remembers what was ever counted; may be shared between threads."""

    def __init__(self, engine: Engine, profile: Profile) -> None:
        self._engine = engine
        self._profile = profile
        self._known = _Known()
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def lacks(self, scope: Scope) -> tuple[str, str] | None:
        """Return the name and value of a part of the scope that nothing was counted for.

        None: each part is known, or nothing was counted at all yet, so that nobody can tell.

        Raises:
            RetryableError: the store cannot be read.
            ConfigurationError: it was counted by another profile.
        """
        lacking = self._known.lacks(scope)
        if lacking is None:
            return None
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_EVERY:
                self._known = self._read()
                self._looked = time.monotonic()
        return self._known.lacks(scope) if self._known.agencies else None

    def _read(self) -> _Known:
        columns = (SERVICES.c.agency, SERVICES.c.domain, SERVICES.c.procedure)
        with reading(self._engine, self._profile) as connection:
            rows = connection.execute(select(*columns)).all()
        agencies, domains, procedures = zip(*rows, strict=True) if rows else ((), (), ())
        return _Known(frozenset(agencies), frozenset(domains), frozenset(procedures))
