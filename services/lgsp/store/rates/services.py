"""Numbers for services (a procedure as an agency offers it), the same for every worker."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Engine

from lgsp.store.engine import execute, reading

Service = tuple[str, str, str]
"""Agency, domain, procedure: codes, empty where not known."""

_NEWER = "SELECT agency, domain, procedure, id FROM services WHERE id > ?"
_ONE = "SELECT id FROM services WHERE agency = ? AND domain = ? AND procedure = ?"
_ADD = (
    "INSERT INTO services (agency, domain, procedure) VALUES (?, ?, ?)"
    " ON CONFLICT (agency, domain, procedure) DO NOTHING"
)


class ServiceNumbers:
    """Looks numbers up, and gives new ones in a transaction of its own.

    A number without cells is harmless, so it need not be taken back when the batch that asked for
    it fails, and workers never wait for one another's batches. All are kept in memory: there are
    as many as a province has procedures at its agencies, whatever the number of dossiers.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Service, int] = {}
        self._newest = 0

    def of(self, services: Iterable[Service]) -> Mapping[Service, int]:
        """Return the services' numbers, others among them."""
        missing = {service for service in services if service not in self._known}
        if missing:
            with reading(self._engine) as connection:
                self._read(connection)
            missing = {service for service in missing if service not in self._known}
        if missing:
            with self._engine.begin() as connection:
                execute(connection, _ADD, sorted(missing))
                self._read(connection)
                # Another worker's may have been given before and committed after newer ones.
                for service in missing:
                    if service not in self._known:
                        (number,) = execute(connection, _ONE, service).fetchone()
                        self._known[service] = number
        return self._known

    def _read(self, connection: Connection) -> None:
        for agency, domain, procedure, number in execute(connection, _NEWER, (self._newest,)):
            self._known[agency, domain, procedure] = number
            self._newest = max(self._newest, number)
