"""The garbage collector of a process that handles many records: no long pauses.

Records, events and dossiers are in no cycle; counting references frees them. What the collector is
for is a few exceptions and tasks a minute. By itself it would look through all that a batch and a
cache hold, again and again: a fifth of the time of a long backlog, and pauses of tens of
milliseconds live.
"""

import asyncio
import gc

_YOUNG = 2_000  # new objects before it looks at them: under a millisecond
_NEVER = 1_000_000_000
_EVERY = 600.0  # seconds between two full looks: a fifth of a second for a million objects


def collect_young_only() -> None:
    """Look at new objects once, at older ones not at all, at those made until now never."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)


async def collect_all_now_and_then() -> None:
    """Look at all objects every ten minutes, until cancelled."""
    while True:
        await asyncio.sleep(_EVERY)
        gc.collect()
