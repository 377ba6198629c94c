"""What each connector says of itself on the log: when it was level, and what is amiss.

Topic `connector-status`, compacted, key = portal, JSON. A figure is no more to be trusted than its
sources are complete, and only the connector knows what it could not read.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.sources import AHEAD
from lgsp.runtime.clock import now_ms
from lgsp.runtime.text import is_text

_DELAY = 3_000  # ms that a word may take until it is read; no clock is corrected for less
_NUMBERS = frozenset(
    {
        *("at", "level_at", "looked_at", "new_at", "failing_since", "every", "poll"),
        *("rows", "rejected", "left"),
    }
)
_MAY_BE_NONE = frozenset({"level_at", "looked_at", "new_at", "failing_since", "left"})


def encode_status(status: ConnectorStatus) -> bytes:
    """Give a status as it stands on the log."""
    return orjson.dumps(status._asdict())


def decode_status(value: bytes) -> ConnectorStatus:
    """Read what `encode_status` gave, of this version or another one.

    Raises:
        RejectedRecord: it is no status.
    """
    try:
        found = orjson.loads(value)
        known = {name: found[name] for name in ConnectorStatus._fields if name in found}
        status = ConnectorStatus(**known)
    except (ValueError, TypeError) as error:
        raise RejectedRecord(RejectReason.UNREADABLE, detail=type(error).__name__) from error
    for name, field in status._asdict().items():
        if not _fits(name, field):
            raise RejectedRecord(RejectReason.BAD_VALUE, field=name)
    return status


class Statuses:
    """The newest word of each connector, as a table of the topic.

    A word that comes while the topic is followed is of now, whatever the clock of its machine
    says: its instants are moved to our clock.

    Args:
        clock: gives now in ms UTC.
    """

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock, self._following = clock, False
        self._behind: dict[bytes, int] = {}
        self._statuses: dict[bytes, ConnectorStatus] = {}
        self._unreadable: dict[bytes, Finding] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._following = False
        self._behind.clear()
        self._statuses.clear()
        self._unreadable.clear()

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a connector's newest word; None: it is no longer spoken of."""
        self._statuses.pop(key, None)
        self._behind.pop(key, None)
        self._unreadable.pop(key, None)
        if value is None:
            return
        try:
            status = self._statuses[key] = decode_status(value)
            if self._following:
                self._behind[key] = self._clock() - status.at
        except RejectedRecord:
            portal = key[:80].decode(errors="replace")
            self._unreadable[key] = Finding(Reason.STATUS_UNREADABLE, portal)

    def follow(self) -> None:
        """Note that all of the topic was read: what comes now is said now."""
        self._following = True

    def all(self) -> list[ConnectorStatus]:
        """Give the newest words, with their instants by our clock."""
        return [
            status if abs(behind) <= _DELAY else status.shifted(behind)
            for status, behind in self._by_our_clock()
        ]

    def findings(self) -> list[Finding]:
        """Name the connectors whose newest word cannot be read, or whose clock is wrong."""
        return [
            *self._unreadable.values(),
            *(
                Finding(
                    Reason.CLOCK_BEHIND if behind > 0 else Reason.CLOCK_AHEAD,
                    status.portal,
                    at=status.at,
                )
                for status, behind in self._by_our_clock()
                if abs(behind) > AHEAD
            ),
        ]

    def _by_our_clock(self) -> Iterator[tuple[ConnectorStatus, int]]:
        for key, status in self._statuses.items():
            yield status, self._behind.get(key, 0)


def _fits(name: str, field: Any) -> bool:
    if name == "problems":
        return isinstance(field, dict) and all(
            isinstance(text, str) for pair in field.items() for text in pair
        )
    if name not in _NUMBERS:
        return isinstance(field, str) and is_text(field)
    if field is None:
        return name in _MAY_BE_NONE
    return type(field) is int and -(2**63) <= field < 2**63
