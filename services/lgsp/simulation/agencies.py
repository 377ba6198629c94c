"""The province's agencies and procedures: invented, of the official forms, weighted as in life."""

from bisect import bisect, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import NamedTuple

from lgsp.domain.event import ServiceLevel

LONGEST_DAYS = 30
_DEPARTMENTS, _DISTRICTS, _COMMUNES = 20, 11, 169
_PROCEDURES = {"department": 160, "district": 80, "commune": 60}
_AREAS = ("TP", "GD", "TN", "XD", "LD", "GT", "YT", "CT", "NN", "VH")
_SHORTEST = 3  # procedures of one day at each level, so that something always fits

# Usual processing times in working days: many quick ones at the counter, few long ones above.
_DAYS = {
    "department": (2, 3, 5, 5, 7, 10, 10, 15, 20, 30),
    "district": (1, 2, 3, 3, 5, 7, 10, 15, 20, 30),
    "commune": (1, 1, 1, 2, 2, 3, 3, 5, 10, 15),
}
_AGENCY_SHARE = {"department": 0.25, "district": 0.2, "commune": 0.55}


class Procedure(NamedTuple):
    """One administrative procedure; `days` of processing are working days of 8 hours."""

    code: str
    domain: str
    days: int
    fee: bool
    level: ServiceLevel


class Offers:
    """The procedures of one level of agencies, drawn by weight, up to a processing time."""

    def __init__(self, procedures: list[Procedure], weights: list[float]) -> None:
        order = sorted(range(len(procedures)), key=lambda i: procedures[i].days)
        self._procedures = [procedures[i] for i in order]
        self._cumulated = list(accumulate(weights[i] for i in order))
        days = [p.days for p in self._procedures]
        self._fitting = [bisect_right(days, limit) for limit in range(LONGEST_DAYS + 1)]

    def draw(self, rng: Random, longest: int) -> Procedure:
        """Draw one of at most `longest` (>= 1) working days."""
        count = self._fitting[min(longest, LONGEST_DAYS)]
        at = rng.random() * self._cumulated[count - 1]
        return self._procedures[bisect(self._cumulated, at, 0, count - 1)]


class Agencies:
    """About 200 agencies (departments, districts, communes) and 300 procedures of a province."""

    def __init__(self, province: str, rng: Random) -> None:
        self._agencies: list[str] = []
        self._offers: list[Offers] = []
        weights: list[float] = []
        districts = [f"{province}.{30 + n}" for n in range(_DISTRICTS)]
        communes = [f"{districts[n % _DISTRICTS]}.{n // _DISTRICTS + 1}" for n in range(_COMMUNES)]
        codes = {
            "department": [f"{province}.{n}" for n in range(1, _DEPARTMENTS + 1)],
            "district": districts,
            "commune": communes,
        }
        numbers = iter(rng.sample(range(1000, 99_999), sum(_PROCEDURES.values())))
        for level, agencies in codes.items():
            offers = _offers(level, numbers, rng)
            sizes = [rng.lognormvariate(0, 0.6) for _ in agencies]
            self._agencies += agencies
            self._offers += [offers] * len(agencies)
            weights += [_AGENCY_SHARE[level] * size / sum(sizes) for size in sizes]
        self._cumulated = list(accumulate(weights))

    def draw(self, rng: Random, longest: int) -> tuple[str, Procedure]:
        """Draw an agency and a procedure of it that takes at most `longest` working days."""
        at = rng.random() * self._cumulated[-1]
        i = bisect(self._cumulated, at, 0, len(self._cumulated) - 1)
        return self._agencies[i], self._offers[i].draw(rng, longest)


def _offers(level: str, numbers: Iterator[int], rng: Random) -> Offers:
    procedures = []
    count = _PROCEDURES[level]
    for n in range(count):
        ministry, area = rng.randrange(1, 25), rng.choice(_AREAS)
        procedures.append(
            Procedure(
                code=f"{rng.choice('123')}.{next(numbers):06d}",
                domain=f"G{ministry:02d}-{area}{rng.randrange(1, 13):02d}",
                days=1 if n < _SHORTEST else rng.choice(_DAYS[level]),
                fee=rng.random() < 0.4,
                level=ServiceLevel.FULL if rng.random() < 0.6 else ServiceLevel.PARTIAL,
            )
        )
    rng.shuffle(procedures)
    return Offers(procedures, [1 / (rank + 2) for rank in range(count)])
