"""One core for the contender, the others for the broker: nobody gains by threads beside the job.

A province's worker shares its machine with broker, store and portal, so what counts is the work of
one core. On a machine with one core only, or with BENCH_CORES=all, nothing is bound.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "BENCH_CORE"


def are_bound() -> bool:
    """Tell whether contenders run on a core of their own here."""
    return len(os.sched_getaffinity(0)) > 1 and os.environ.get("BENCH_CORES") != "all"


def contender_environment() -> dict[str, str]:
    """Return this process's environment, and in it the contender's core."""
    core = {_VARIABLE: str(min(os.sched_getaffinity(0)))} if are_bound() else {}
    return {**os.environ, **core}


def bind_contender() -> None:
    """Bind this process, and what it will start, to the core that the environment names."""
    if core := os.environ.get(_VARIABLE):
        os.sched_setaffinity(0, {int(core)})


@contextmanager
def bound_to_the_others() -> Iterator[None]:
    """Let processes started inside run on all cores but the contenders'."""
    own = os.sched_getaffinity(0)
    if are_bound():
        os.sched_setaffinity(0, own - {min(own)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
