"""What the feed publishes: documents as bytes, made once for all who ask at a time."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from lgsp.domain.figures import counts_of, rates_of
from lgsp.domain.measures import Measures
from lgsp.domain.period import show_instant
from lgsp.runtime import metrics
from lgsp.store.figures.answers import Figures, Question
from lgsp.store.figures.sums import Sums

_KEPT = 512


class Breakdown(StrEnum):
    """The documents there are."""

    INDICATORS = "indicators"
    UNITS = "units"
    MONTHS = "months"


class Published(NamedTuple):
    """A document as JSON; `id` is the same as long as nothing but its as-of time differs."""

    id: str
    body: bytes


class _Slot:
    """One document of the cache; its lock lets one thread compute while the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.published: Published | None = None
        self.made = 0.0


class Board:
    """Publishes the documents of `figures`; safe to call from many threads.

    Args:
        figures: the figures of one store.
        clock: gives now in ms UTC, for the as-of time of tables.
        fresh_for: seconds for which a document is handed out again without a look at the store.
    """

    def __init__(
        self, figures: Figures, clock: Callable[[], int], *, fresh_for: float = 0.5
    ) -> None:
        self.figures = figures
        self._clock = clock
        self._fresh_for = fresh_for
        self._slots: OrderedDict[tuple[Breakdown, Question], _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def document(self, breakdown: Breakdown, question: Question) -> Published:
        """Return the document; RetryableError while the store cannot be read."""
        with self._lock:
            slot = self._slots.setdefault((breakdown, question), _Slot())
            self._slots.move_to_end((breakdown, question))
            while len(self._slots) > _KEPT:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.published is None or time.monotonic() - slot.made >= self._fresh_for:
                with metrics.FIGURES_SECONDS.labels(breakdown.value).time():
                    slot.published = publish(self._make(breakdown, question))
                slot.made = time.monotonic()
            return slot.published

    def _make(self, breakdown: Breakdown, question: Question) -> dict[str, Any]:
        if breakdown is Breakdown.INDICATORS:
            return self.figures.indicators(question).document()
        head = {
            "period": question.period.document(),
            "scope": question.scope.document(),
            "as_of": show_instant(self._clock()),
            "profile": self.figures.profile.document(),
        }
        measures = self.figures.profile.measures
        if breakdown is Breakdown.UNITS:
            return head | {"units": _table("unit", self.figures.by_unit(question), measures)}
        return head | {"months": _table("month", self.figures.by_month(question), measures)}


def publish(document: dict[str, Any]) -> Published:
    """Serialise a document and give it the id of its content: not of times that only go on."""
    timeless = {k: v for k, v in document.items() if k != "as_of"}
    if "freshness" in timeless:
        timeless["freshness"] = [
            {k: v for k, v in portal.items() if k not in {"last_seen_at", "level_at"}}
            for portal in timeless["freshness"]
        ]
    digest = hashlib.blake2b(orjson.dumps(timeless), digest_size=12).hexdigest()
    return Published(digest, orjson.dumps(document))


def _table(key: str, rows: dict[str, Sums], measures: Measures) -> list[dict[str, Any]]:
    return [
        {key: name, "counts": counts_of(measures, sums), "rates": rates_of(measures, sums)}
        for name, sums in rows.items()
    ]
