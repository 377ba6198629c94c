"""What a connector says of itself: level or not, and what is amiss with its source."""

from collections.abc import Callable

from lgsp.runtime.kafka.connector_status import ConnectorStatus
from lgsp_connectors.kit.report import Report

_EVERY = 30_000  # ms between two words that say the same


class Speaker:
    """Tells the log how the source stands, when that changes and every half minute.

    Args:
        portal: whose dossiers are read.
        clock: gives now in ms UTC.
        publish: sends one word.
    """

    def __init__(
        self, portal: str, clock: Callable[[], int], publish: Callable[[ConnectorStatus], None]
    ) -> None:
        self._portal, self._clock, self._publish = portal, clock, publish
        self._last: ConnectorStatus | None = None

    def say(self, report: Report) -> None:
        """Tell how the source stands after a page."""
        now, last = self._clock(), self._last
        level_at = now if report.caught_up else last.level_at if last else None
        status = ConnectorStatus(self._portal, now, level_at, report.problems)
        if last is None or last.problems != status.problems or now - last.at >= _EVERY:
            self._publish(status)
            self._last = status
