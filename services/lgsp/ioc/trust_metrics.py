"""Tells Prometheus how the portals stand and why trust has fallen, whoever asks for figures."""

import threading
import time

import structlog

from lgsp.domain.errors import LgspError
from lgsp.domain.period import parse_period
from lgsp.domain.reasons import Reason
from lgsp.domain.sources import Liveness
from lgsp.runtime import metrics
from lgsp.store.figures.answers import Figures, Question

_EVERY = 2.0
_SHARE = 4  # a look that takes a second is followed by a pause of four


class TrustMetrics:
    """A thread that judges the whole province as of now, again and again."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._question = Question(parse_period("all"))
        self._portals: set[str] = set()
        self._stop = threading.Event()
        for reason in Reason:
            metrics.TRUST_REASONS.labels(reason.value).set(0)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="trust-metrics", daemon=True).start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def look(self) -> None:
        """Judge once, and set the metrics.

        Raises:
            LgspError: the store cannot be read.
        """
        found = self._figures.indicators(self._question)
        reasons = {finding.reason for finding in found.findings}
        for reason in Reason:
            metrics.TRUST_REASONS.labels(reason.value).set(reason in reasons)
        portals = {portal.portal: portal for portal in found.freshness}
        for name in self._portals - portals.keys():
            metrics.PORTAL_LOOKED.remove(name)
            for state in Liveness:
                metrics.PORTAL_STATE.remove(name, state.value)
        self._portals = set(portals)
        for name, portal in portals.items():
            metrics.PORTAL_LOOKED.labels(name).set((portal.last_seen_at or 0) / 1000)
            for state in Liveness:
                metrics.PORTAL_STATE.labels(name, state.value).set(portal.liveness is state)
        metrics.TRUST_REFRESHED.set_to_current_time()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.look()
            except LgspError as error:
                structlog.get_logger().debug("trust_not_judged", error=str(error))
            except Exception as error:  # noqa: BLE001 - the feed goes on; the metric shows it
                structlog.get_logger().error("trust_metrics_failed", error=repr(error))
            self._stop.wait(max(_EVERY, _SHARE * (time.monotonic() - began)))
