"""What one process shows at `/metrics`: its own areas, from their first scrape on.

All metrics are declared in one registry, whoever uses them. A process that showed those of others
would show them at 0 for ever, and an alert on "0 for too long" would ring for it.
"""

import importlib.metadata
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from lgsp.domain.errors import RejectReason
from lgsp.runtime import metrics

Checks = Callable[[], Mapping[str, bool]]
OURS = "lgsp_"


class Shown(NamedTuple):
    """Which metrics a process shows.

    Args:
        areas: the second word of their names: `lane`, `rates`, `connector`, …
        stage: where this process rejects records; its rejects are shown by reason, from 0 on.
        portal: a label on each of our metrics; empty: none.
    """

    areas: tuple[str, ...] = ()
    stage: str = ""
    portal: str = ""


class Exposed(Collector):
    """The metrics of one process, in Prometheus' text form by `text`.

    Args:
        shown: which of them.
        ready: the checks of `/readyz`, each shown as `lgsp_ready{check=…}`.
    """

    def __init__(self, shown: Shown, ready: Checks | None = None) -> None:
        self._prefixes = tuple(f"{OURS}{area}_" for area in shown.areas)
        self._stage = shown.stage
        self._labels = {"portal": shown.portal} if shown.portal else {}
        self._ready = ready
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if shown.stage:
            for reason in RejectReason:
                metrics.REJECTS.labels(shown.stage, reason.value)

    def text(self) -> bytes:
        """Return the metrics as Prometheus scrapes them."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Name nothing: what there is, is known when it is asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give the families of this process, with its labels."""
        for family in (*REGISTRY.collect(), *self._state()):
            if family.name.startswith(OURS):
                self._confine(family)
            if family.samples:
                yield family

    def _confine(self, family: Metric) -> None:
        """Take out what is another process', and add the labels of this one."""
        if family.name == _REJECTS:
            mine = [s for s in family.samples if s.labels.get("stage") == self._stage]
        elif family.name in OF_EACH or family.name.startswith(self._prefixes):
            mine = list(family.samples)
        else:
            mine = []
        family.samples = [s._replace(labels={**self._labels, **s.labels}) for s in mine]

    def _state(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(_BUILD, "Which software runs.", labels=["version", "python"])
        build.add_metric([importlib.metadata.version("mini-lgsp"), platform.python_version()], 1)
        yield build
        clock = GaugeMetricFamily(_CLOCK, "The clock of the process, as it is scraped.")
        clock.add_metric([], time.time())
        yield clock
        if self._ready is not None:
            ready = GaugeMetricFamily(
                _READY, "1 where a check of /readyz holds.", labels=["check"]
            )
            for check, holds in self._ready().items():
                ready.add_metric([check], holds)
            yield ready


_REJECTS = f"{OURS}rejects"
_BUILD = f"{OURS}build_info"
_READY = f"{OURS}ready"
_CLOCK = f"{OURS}clock_timestamp_seconds"
OF_EACH = (_BUILD, _READY, _CLOCK)
