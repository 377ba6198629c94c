"""The hour in figures."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tests.chaos.alerts import may_ring
from tests.chaos.game import Played, Turn
from tests.chaos.sampler import Lie, Sampler

_SHOWN = 3


def report(
    minutes: float,
    seed: int,
    played: Played,
    sampler: Sampler,
    *,
    rang: set[str],
    expected: Mapping[str, int],
    national: Mapping[str, int],
) -> dict[str, Any]:
    """Return the document; `holds` tells whether all is as it has to be."""
    lies = sampler.lies()
    full = [sample for sample in sampler.samples if sample.trust == "full"]
    # 9 and 10 are one end: the portal of the hour tells no hand-over.
    differ = {
        code: [expected.get(code), national.get(code)]
        for code in sorted(expected.keys() | national.keys())
        if expected.get(code) != min(national.get(code, 0), 9)
    }
    by_nothing = sorted(rang - may_ring({turn.name for turn in played.turns}))
    unrung = [t.name for t in played.turns if None in [*t.rang.values(), *t.silent.values()]]
    return {
        "holds": not (lies or differ or by_nothing or unrung or played.missed),
        "minutes": round(minutes, 1),
        "seed": seed,
        "faults": len(played.turns),
        "kinds": len({turn.name for turn in played.turns}),
        "dossiers": len(expected),
        "files": played.files,
        "samples": len(sampler.samples),
        "seconds_sampled": _seconds(sample.at for sample in sampler.samples),
        "seconds_full": _seconds(sample.at for sample in full),
        "seconds_full_while_wrong": _seconds(_at(lies, is_old=False)),
        "seconds_full_while_stale": _seconds(_at(lies, is_old=True)),
        "longest_full_behind_the_portal": round(sampler.oldest_full(), 1),
        "lies": [str(lie)[:600] for lie in lies[:_SHOWN]],
        "national": len(national),
        "national_differs": dict(list(differ.items())[:_SHOWN]),
        "alerts_due": sum(len(turn.rang) for turn in played.turns),
        "alerts_rung": sum(at is not None for turn in played.turns for at in turn.rang.values()),
        "alerts_fell_silent": sum(
            at is not None for turn in played.turns for at in turn.silent.values()
        ),
        "alerts_missed": unrung,
        "alerts": sorted(rang),
        "alerts_by_nothing": by_nothing,
        "in_the_end": played.missed or "all",
        "slowest_back_to_full": _slowest_back(played, sampler),
    }


def table(played: Played) -> str:
    """Return the faults as a Markdown table: how often, for how long, which alerts rang of those
    that had to."""
    turns: dict[str, list[Turn]] = defaultdict(list)
    for turn in played.turns:
        turns[turn.name].append(turn)
    lines = ["| Fault | Times | Seconds | Alerts: rung of due (slowest, s) |", "|---|---|---|---|"]
    for name, of_name in sorted(turns.items()):
        due = Counter(alert for turn in of_name for alert in turn.rang)
        cells = []
        for alert, times in sorted(due.items()):
            after = [turn.rang[alert] for turn in of_name if turn.rang.get(alert) is not None]
            slowest = f" ({max(at for at in after if at is not None):.0f})" if after else ""
            cells.append(f"{alert} {len(after)}/{times}{slowest}")
        seconds = ", ".join(f"{turn.seconds:.0f}" for turn in of_name)
        lines.append(f"| {name} | {len(of_name)} | {seconds} | {'; '.join(cells)} |")
    return "\n".join(lines)


def _seconds(instants: Iterable[float]) -> int:
    return len({math.floor(at) for at in instants})


def _at(lies: Iterable[Lie], *, is_old: bool) -> list[float]:
    return [lie.sample.at for lie in lies if lie.is_old is is_old]


def _slowest_back(played: Played, sampler: Sampler) -> dict[str, float]:
    """Return the faults after which the label took longest to be full, in seconds."""
    back: dict[str, float] = {}
    for turn in played.turns:
        at = next(
            (s.at for s in sampler.samples if s.at > turn.mended and s.trust == "full"), math.inf
        )
        back[turn.name] = max(back.get(turn.name, 0.0), round(at - turn.mended, 1))
    return dict(sorted(back.items(), key=lambda item: -item[1])[:_SHOWN])
