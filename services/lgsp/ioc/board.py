"""What the feed publishes: documents as bytes, made once for all who ask at a time."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from lgsp.domain.figures import Scope, counts_of, rates_of
from lgsp.domain.measures import Measures
from lgsp.domain.period import show_instant
from lgsp.ioc.months import months_of
from lgsp.ioc.refusals import ParameterError, shown
from lgsp.runtime import metrics
from lgsp.store.figures.answers import Figures, Question
from lgsp.store.figures.sums import Sums

_KEPT = 512
_BYTES_KEPT = 2.0  # seconds: the as-of time stands still for them while the figures do, too


class Breakdown(StrEnum):
    """The documents there are."""

    INDICATORS = "indicators"
    UNITS = "units"
    MONTHS = "months"


class Published(NamedTuple):
    """A document as JSON.

    `id` is the same as long as nothing but its as-of time differs; `tag`, as long as no byte does.
    """

    id: str
    body: bytes
    tag: str


class _Slot:
    """One document of the cache; its lock lets one thread compute while the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.published: Published | None = None
        self.made = 0.0
        self.first_made = 0.0

    def keep(self, made: Published) -> Published:
        """Return the document to hand out: the kept bytes while they say the same and are new."""
        self.made = now = time.monotonic()
        same = self.published is not None and self.published.id == made.id
        if not same or now - self.first_made >= _BYTES_KEPT:
            self.published, self.first_made = made, now
        assert self.published is not None  # noqa: S101 - set above
        return self.published


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
        """Return the document.

        Raises:
            RetryableError: the store cannot be read.
            ParameterError: nothing was ever counted for a part of the scope. Answers of zeros
                would not tell a misspelt code, and each would cost as much as a real one.
        """
        self.check(question.scope)
        with self._lock:
            slot = self._slots.setdefault((breakdown, question), _Slot())
            self._slots.move_to_end((breakdown, question))
            while len(self._slots) > _KEPT:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.published is None or time.monotonic() - slot.made >= self._fresh_for:
                with metrics.FIGURES_SECONDS.labels(breakdown.value).time():
                    return slot.keep(publish(self._make(breakdown, question)))
            return slot.published

    def check(self, scope: Scope) -> None:
        """Raise ParameterError when nothing was ever counted for a part of the scope."""
        lacking = self.figures.scopes.lacks(scope)
        if lacking is not None:
            name, value = lacking
            message = f"{name} {shown(value)} has no dossier here: nothing was ever counted for it"
            raise ParameterError(name, value, message)

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
        months = months_of(question.period, self.figures.by_month(question), measures)
        return head | {
            "months": _table("month", months.rows, measures),
            "earlier": {"counts": counts_of(measures, months.earlier)},
        }


def publish(document: dict[str, Any]) -> Published:
    """Serialise a document, with the id of its content, without times that only go on."""
    timeless = {k: v for k, v in document.items() if k != "as_of"}
    if "freshness" in timeless:
        timeless["freshness"] = [
            {k: v for k, v in portal.items() if k not in {"last_seen_at", "level_at"}}
            for portal in timeless["freshness"]
        ]
    body = orjson.dumps(document)
    return Published(_digest(orjson.dumps(timeless)), body, _digest(body))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _table(key: str, rows: dict[str, Sums], measures: Measures) -> list[dict[str, Any]]:
    return [
        {key: name, "counts": counts_of(measures, sums), "rates": rates_of(measures, sums)}
        for name, sums in rows.items()
    ]
