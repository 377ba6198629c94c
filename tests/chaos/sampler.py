"""Asks for the figures again and again, and holds what they say of themselves against the truth.

The rule: a figure is never `full` while it is wrong, but for a bound after the truth has changed.
"""

import threading
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import TracebackType
from typing import Any, NamedTuple, Self

Counts = Mapping[str, int]
_EVERY = 0.05
_SAME_TIME = 1.0  # seconds by which two clocks may round one instant


class Sample(NamedTuple):
    """One answer: when it was asked for and given (monotonic seconds), its counts, its trust.

    `counts` None: there was no answer, which promises nothing.
    """

    at: float
    given: float
    counts: Counts | None
    trust: str
    codes: frozenset[str]


class Lie(NamedTuple):
    """A figure that was `full`, and neither a truth of its time nor between two of them."""

    sample: Sample
    truths: tuple[Counts, ...]
    is_old: bool
    """It had been true, longer ago than the bound."""


class Truth:
    """What the portals hold, as it changes; safe to ask from another thread."""

    def __init__(self, **counts: int) -> None:
        self._changes: list[tuple[float, Counts]] = [(time.monotonic(), counts)]
        self._sums: list[Counts] = []
        self._lock = threading.Lock()

    def add(self, at: float | None = None, **counts: int) -> None:
        """Note what the portals hold more from now on, or at a monotonic time to come.

        Before it is written there.
        """
        with self._lock:
            change = time.monotonic() if at is None else at, counts
            insort(self._changes, change, key=_when)
            self._sums = []

    @property
    def now(self) -> Counts:
        """What the portals hold."""
        now = time.monotonic()
        return self.of(now, now)[-1]

    def of(self, since: float, until: float) -> tuple[Counts, ...]:
        """Give what was true at some time between two instants."""
        with self._lock:
            if not self._sums:
                self._sums = list(accumulate((counts for _, counts in self._changes), _summed))
            first = bisect_right(self._changes, since, key=_when) - 1
            last = bisect_right(self._changes, until, key=_when)
            return tuple(self._sums[max(first, 0) : max(last, 1)])


def _when(change: tuple[float, Counts]) -> float:
    return change[0]


def _summed(counts: Counts, more: Counts) -> Counts:
    return {name: number + more.get(name, 0) for name, number in counts.items()}


@dataclass
class Sampler:
    """Samples on a thread of its own; use as `with`.

    Args:
        ask: gives one document of figures; None: no answer.
        truth: what the figures are to be.
        bound: seconds for which a figure may be `full` after the truth has changed.
    """

    ask: Callable[[], dict[str, Any] | None]
    truth: Truth
    bound: float
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    @property
    def last(self) -> Sample:
        """The newest sample."""
        return self.samples[-1]

    def says(self, *codes: str) -> bool:
        """Tell whether the newest sample is less than full for these reasons, among others."""
        return bool(self.samples) and self.last.trust != "full" and set(codes) <= self.last.codes

    def is_right(self) -> bool:
        """Tell whether the newest figures are full and true."""
        return self.agrees() and self.last.trust == "full"

    def agrees(self) -> bool:
        """Tell whether the newest figures are true, whatever they say of themselves."""
        if not self.samples or self.last.counts is None:
            return False
        return _agrees(self.last.counts, self.truth.now)

    def lies(self) -> list[Lie]:
        """Give the samples that were full and, for the bound, no truth any more."""
        found = []
        for sample in self.samples:
            if sample.trust != "full" or sample.counts is None:
                continue
            truths = self._truths(sample, self.bound)
            if not _lies_between(sample.counts, truths):
                ever = _lies_between(sample.counts, self._truths(sample, float("inf")))
                found.append(Lie(sample, truths, ever))
        return found

    def oldest_full(self) -> float:
        """Give the longest time, in seconds, for which a full figure was no truth any more."""
        oldest = 0.0
        for sample in self.samples:
            if sample.trust != "full" or sample.counts is None:
                continue
            while not _lies_between(sample.counts, self._truths(sample, oldest)):
                oldest += 0.5
                if oldest > self.bound:
                    return oldest
        return oldest

    def _truths(self, sample: Sample, bound: float) -> tuple[Counts, ...]:
        return self.truth.of(sample.at - bound, sample.given + _SAME_TIME)

    def _run(self) -> None:
        while not self._stop.is_set():
            at = time.monotonic()
            document = self.ask()
            if document is None:
                self.samples.append(Sample(at, time.monotonic(), None, "", frozenset()))
            else:
                codes = frozenset(found["code"] for found in document["trust_findings"])
                self.samples.append(
                    Sample(at, time.monotonic(), document["counts"], document["trust"], codes)
                )
            self._stop.wait(_EVERY)


def _agrees(counts: Counts, truth: Counts) -> bool:
    return all(counts[name] == number for name, number in truth.items())


def _lies_between(counts: Counts, truths: Sequence[Counts]) -> bool:
    """Tell whether figures are a truth, or between two: what is read row by row passes there."""
    return all(
        min(values) <= counts[name] <= max(values)
        for name in truths[-1]
        if (values := [truth[name] for truth in truths])
    )
