"""What each connector says of itself on the log: when it was level, and what is amiss.

Topic `connector-status`, compacted, key = portal, JSON. A figure is no more to be trusted than its
sources are complete, and only the connector knows what it could not read.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from lgsp.domain.trust import SourceProblem
from lgsp.runtime.kafka.client import latest_by_key
from lgsp.runtime.kafka.topics import CONNECTOR_STATUS


class ConnectorStatus(NamedTuple):
    """One connector's word.

    Args:
        portal: whose dossiers it reads.
        at: when it said so, ms UTC.
        level_at: when it had last read all there was, ms UTC; None: not yet.
        problems: code -> what is amiss, for a person.
    """

    portal: str
    at: int
    level_at: int | None
    problems: dict[str, str]

    def encode(self) -> bytes:
        """Give it as it stands on the log."""
        return orjson.dumps(self._asdict())


def decode_status(value: bytes) -> ConnectorStatus:
    """Read what `encode` gave."""
    return ConnectorStatus(**orjson.loads(value))


def read_problems(bootstrap: str) -> list[SourceProblem]:
    """Read what is amiss with the sources.

    Raises:
        LgspError: no broker answers, or there is no such topic.
    """
    return problems_of(map(decode_status, latest_by_key(bootstrap, CONNECTOR_STATUS).values()))


def problems_of(statuses: Iterable[ConnectorStatus]) -> list[SourceProblem]:
    """List the problems, by portal and code."""
    return sorted(
        SourceProblem(status.portal, code, detail)
        for status in statuses
        for code, detail in status.problems.items()
    )
