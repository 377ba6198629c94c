"""Asks for the figures again and again, and holds what they say of themselves against the truth.

The rule: a figure is never `full` while it is wrong, but for a bound after the truth has changed.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

Counts = Mapping[str, int]
_EVERY = 0.05


class Sample(NamedTuple):
    """One answer: when it was asked for (monotonic seconds), what it counts, how it is trusted.

    `counts` None: there was no answer, which promises nothing.
    """

    at: float
    counts: Counts | None
    trust: str
    codes: frozenset[str]


class Lie(NamedTuple):
    """A figure that was `full`, and neither a truth of its time nor between two of them."""

    sample: Sample
    truths: tuple[Counts, ...]


class Truth:
    """What the portals hold, as it changes; safe to ask from another thread."""

    def __init__(self, **counts: int) -> None:
        self._changes: deque[tuple[float, Counts]] = deque([(time.monotonic(), counts)])
        self._lock = threading.Lock()

    def add(self, **counts: int) -> None:
        """Note what the portals hold more from now on; before it is written there."""
        with self._lock:
            before = self._changes[-1][1]
            after = {name: before[name] + counts.get(name, 0) for name in before}
            self._changes.append((time.monotonic(), after))

    @property
    def now(self) -> Counts:
        """What the portals hold."""
        return self._changes[-1][1]

    def of(self, since: float, until: float) -> tuple[Counts, ...]:
        """Give what was true at some time between two instants."""
        with self._lock:
            changes = list(self._changes)
        ends = [at for at, _ in changes[1:]] + [float("inf")]
        return tuple(
            counts
            for (at, counts), end in zip(changes, ends, strict=True)
            if at <= until and end >= since
        )


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
        if not self.samples or self.last.counts is None:
            return False
        return self.last.trust == "full" and _agrees(self.last.counts, self.truth.now)

    def lies(self) -> list[Lie]:
        """Give the samples that were full and, for the bound, no truth any more."""
        found = []
        for sample in self.samples:
            if sample.trust != "full" or sample.counts is None:
                continue
            # What is read row by row passes through what lies between two truths.
            truths = self.truth.of(sample.at - self.bound, sample.at + self.bound)
            for name in truths[-1]:
                values = [truth[name] for truth in truths]
                if not min(values) <= sample.counts[name] <= max(values):
                    found.append(Lie(sample, truths))
        return found

    def _run(self) -> None:
        while not self._stop.is_set():
            at = time.monotonic()
            document = self.ask()
            if document is None:
                self.samples.append(Sample(at, None, "", frozenset()))
            else:
                codes = frozenset(found["code"] for found in document["trust_findings"])
                self.samples.append(Sample(at, document["counts"], document["trust"], codes))
            self._stop.wait(_EVERY)


def _agrees(counts: Counts, truth: Counts) -> bool:
    return all(counts[name] == number for name, number in truth.items())
