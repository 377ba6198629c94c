"""Run by each Python whose PYTHONPATH names this folder: a file says how far its clock is off.

All of ours take the time from `time.time` and `time.time_ns`; waiting goes by the monotonic clock,
and files have the times of their disk. (libfaketime 0.9.10 breaks `time.sleep` of Python 3.11 when
it leaves the monotonic clock alone, and waits for conditions when it does not.)
"""

import os
import sys
import time
from pathlib import Path

_FOLDER = Path(os.environ.get("CHAOS_CLOCKS", "/nonexistent"))
_LOOK_EVERY = 0.5  # seconds


def _set_off(file: Path) -> None:
    true, monotonic = time.time_ns, time.monotonic
    off, look_at = 0, 0.0

    def time_ns() -> int:
        nonlocal off, look_at
        if monotonic() >= look_at:
            off = int(file.read_text()) * 1_000_000_000
            look_at = monotonic() + _LOOK_EVERY
        return true() + off

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1_000_000_000


if _FOLDER.is_dir():
    for _clock in _FOLDER.iterdir():
        # The file's name is the words of the command line that it is for.
        if set(_clock.name.split()) <= set(sys.orig_argv):
            _set_off(_clock)
