"""`lgsp rebuild` of the whole log into an empty store: wall and CPU seconds, equal figures."""

from typing import Any

from benchmarks.dataset import Dataset
from benchmarks.digests import digests_in
from benchmarks.system import installation, run_command
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store

GOAL_EVENTS = 1_200_000
_ROUNDS = 3


def measure(dataset: Dataset, events: int) -> dict[str, Any]:
    """Rebuild the first `events` in a broker of its own."""
    with installation(dataset, events) as settings:
        return rebuild(settings, dataset, events)


def rebuild(settings: Settings, dataset: Dataset, events: int) -> dict[str, Any]:
    """Rebuild three times, at last the installation's own store; the median run's times.

    `equal`: dossiers and cells are the expected ones.
    """
    aside = [f"sqlite:///{settings.data / f'rebuilt-{n}.db'}" for n in range(_ROUNDS - 1)]
    runs = []
    for into in (*aside, settings.rates_store):
        ran = run_command(settings, "rebuild", "--into", into, "--no-compare")
        runs.append((ran.seconds, ran.cpu_seconds))
    seconds, cpu = sorted(runs)[_ROUNDS // 2]
    store = open_store(settings.rates_store, read_only=True)
    found = digests_in(store)
    store.dispose()
    return {
        "events": events,
        "rounds": _ROUNDS,
        "seconds": round(seconds, 1),
        "longest_s": round(max(run[0] for run in runs), 1),
        "cpu_seconds": round(cpu, 1),
        "seconds_at_goal_events": round(seconds / events * GOAL_EVENTS, 1),
        "dossiers": found.dossiers,
        "equal": found == dataset.expected(events),
    }
