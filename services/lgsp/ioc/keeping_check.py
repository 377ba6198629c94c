"""Whether Kafka keeps the log for ever: what it takes away can never be counted again."""

import time
from collections.abc import Callable, Iterator

import structlog

from lgsp.domain.errors import LgspError
from lgsp.domain.reasons import Finding, Reason
from lgsp.runtime.kafka.admin import loses

_EVERY = 30.0  # seconds; each look connects anew
_PATIENCE = 5.0


class KeepingCheck:
    """Asks now and then by which settings the topic is kept; between, the last answer stands.

    Compaction would take the older events of a dossier, counted or not, and leave no gap to see.
    Brokers that do not tell their settings to us leave it not known, and nothing is found.

    Args:
        bootstrap: brokers to ask.
        topic: the log.
        clock: monotonic seconds.
    """

    def __init__(
        self, bootstrap: str, topic: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bootstrap, self._topic, self._clock = bootstrap, topic, clock
        self._amiss: list[str] = []
        self._asked = float("-inf")

    def __call__(self) -> Iterator[Finding]:
        """Give a finding when records are taken away."""
        if self._clock() - self._asked >= _EVERY:
            self._asked = self._clock()
            try:
                self._amiss = loses(self._bootstrap, self._topic, _PATIENCE)
            except LgspError as error:
                structlog.get_logger().debug("keeping_not_known", error=str(error))
        if self._amiss:
            detail = f"{self._topic} has {', '.join(self._amiss)}: `lgsp topics apply`"
            yield Finding(Reason.LOG_NOT_KEPT, detail=detail)
