"""Numbers for services (a procedure as an agency offers it), the same for every worker."""

from collections.abc import Iterable

from sqlalchemy import Engine

from lgsp.store.engine import execute

Service = tuple[str, str, str]
"""Agency, domain, procedure: codes, empty where not known."""

_KNOWN = "SELECT agency, domain, procedure, id FROM services WHERE agency = ?"
_ADD = (
    "INSERT INTO services (agency, domain, procedure) VALUES (?, ?, ?)"
    " ON CONFLICT (agency, domain, procedure) DO NOTHING"
)
_MOST = 500_000  # numbers remembered; a province has tens of thousands


class ServiceNumbers:
    """Looks numbers up, and gives new ones in a transaction of its own.

    A number without cells is harmless, so it need not be taken back when the batch that asked for
    it fails, and workers never wait for one another's batches.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Service, int] = {}

    def of(self, services: Iterable[Service]) -> dict[Service, int]:
        """Return the services' numbers; the dictionary may hold others, too."""
        wanted = set(services)
        missing = wanted - self._known.keys()
        if missing:
            if len(self._known) > _MOST:
                self._known.clear()
                missing = wanted
            self._load(missing)
            if new := sorted(missing - self._known.keys()):
                with self._engine.begin() as connection:
                    execute(connection, _ADD, new)
                self._load(new)
        return self._known

    def _load(self, services: Iterable[Service]) -> None:
        """Learn all numbers of the services' agencies."""
        with self._engine.connect() as connection:
            for agency in {service[0] for service in services}:
                for *service, number in execute(connection, _KNOWN, (agency,)):
                    self._known[service[0], service[1], service[2]] = number
