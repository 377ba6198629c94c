"""The goals, each with what was measured for it, met or not: one place for all of them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_RATIOS = (("kafka-streams", 2.0), ("raw", 0.25), ("quix-state", 6.0), ("faust-tables", 100.0))
_RATES = (200, 2000)
_LINEAR = 0.8  # of the rate at the fewest events is left at the most

Found = Mapping[str, Any]
"""The documents of benchmarks/out by name; a part that was not run is not there."""


class Goal(NamedTuple):
    """One goal; `measured` None: not measured. `of` says more, with its numbers."""

    what: str
    measured: float | None
    wanted: float
    at_least: bool = False
    unit: str = ""
    of: str = ""

    @property
    def met(self) -> str:
        """Whether it is met."""
        if self.measured is None:
            return "not measured"
        met = self.measured >= self.wanted if self.at_least else self.measured <= self.wanted
        return "met" if met else "**not met**"

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The goal as cells of a table."""
        value = "" if self.measured is None else f"{self.measured:.3g}{self.unit}"
        sign = "≥" if self.at_least else "≤"
        return self.what, value, f"{sign} {self.wanted:g}{self.unit}", self.met, self.of


def goals(found: Found) -> list[Goal]:
    """Return every goal, measured or not."""
    return [*_speed(found), *_latency(found), *_growth(found), *_workers(found), *_return(found)]


def _speed(found: Found) -> Iterator[Goal]:
    rows = {row["contender"]: row for row in found.get("results", ()) if not row["void"]}
    for name, wanted in _RATIOS:
        ratio, of = None, ""
        if "ours" in rows and name in rows:
            ours, other = rows["ours"], rows[name]
            ratio = ours["events_per_s"]["median"] / other["events_per_s"]["median"]
            of = f"{ours['events']:,} and {other['events']:,} events"
        yield Goal(f"events/s, ours / {name}", ratio, wanted, at_least=True, of=of)


def _latency(found: Found) -> Iterator[Goal]:
    rows = sorted(found.get("latency", ()), key=lambda row: row["bound"])  # bound ones, if any
    by = {(row["contender"], row["rate"]): row for row in rows}
    for rate in _RATES:
        ours, raw = by.get(("ours", rate)), by.get(("raw", rate))
        ratio = ours["p99_ms"] / raw["p99_ms"] if ours and raw else None
        yield Goal(f"p99 produced to stored, ours / raw, {rate:,}/s", ratio, 2)
        p50 = ours["p50_ms"] if ours else None
        yield Goal(f"p50 produced to stored, {rate:,}/s", p50, 10, unit=" ms")


def _growth(found: Found) -> Iterator[Goal]:
    memory = found.get("memory")
    yield Goal(
        "memory a dossier held",
        memory and memory["bytes_a_dossier"],
        400,
        unit=" bytes",
        of=f"{memory['dossiers']:,} dossiers" if memory else "",
    )
    rates = {
        row["events"]: row["events_per_s"]["median"]
        for row in found.get("linear", ())
        if row["contender"] == "ours" and row["rounds"] and not row["void"]
    }
    few, many = min(rates, default=0), max(rates, default=0)
    yield Goal(
        "linear: events/s at the most events / at the fewest",
        rates[many] / rates[few] if many > few else None,
        _LINEAR,
        at_least=True,
        of=f"{many:,} / {few:,} events" if many > few else "",
    )


def _workers(found: Found) -> Iterator[Goal]:
    by = {row["workers"]: row for row in found.get("workers", ()) if row["equal"]}
    one, two = by.get(1), by.get(2)
    ratio, of = None, ""
    if one and two:
        ratio = two["cpu_s_per_million"] / one["cpu_s_per_million"]
        speed_up = one["seconds"] / two["seconds"]
        of = f"equal figures; {speed_up:.2f} × as fast by the clock; {two['events']:,} events"
    yield Goal("CPU s / 1 M, two workers / one, PostgreSQL", ratio, 1.15, of=of)


def _return(found: Found) -> Iterator[Goal]:
    rebuild, recovery = found.get("rebuild"), found.get("recovery")
    if rebuild and not rebuild["equal"]:
        rebuild = None
    yield Goal(
        "`lgsp rebuild`, scaled to 1.2 M events",
        rebuild and rebuild["seconds_at_goal_events"],
        20,
        unit=" s",
        of=f"{rebuild['events']:,} events in {rebuild['seconds']:g} s" if rebuild else "",
    )
    yield Goal(
        "kill -9 to the first new figure on the feed",
        recovery and recovery["median_s"],
        10,
        unit=" s",
        of=f"{recovery['dossiers']:,} dossiers" if recovery else "",
    )
