"""Small facts about processes on Linux: who dies with whom, open files, whom a signal is for."""

import ctypes
import os
import resource
import select
import signal
import sys
from pathlib import Path
from types import TracebackType

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 2048  # the feed takes 512 connections, and reads a store and the log
# Loaded here, not in the child: between fork and exec a lock of the loader may be held.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies; for `preexec_fn` of a child we start.

    "Parent" is the thread that started the child: start it from one that lives as long as the
    child may. Linux only; elsewhere a child may outlive a killed parent.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def allow_open_files() -> None:
    """Let this process open as many files and connections as it is for.

    Shells and service managers give few at first, and more to whoever asks for them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class ForeignProcess:
    """A process that is not our child, held by a pidfd: the number cannot pass to another one."""

    def __init__(self, pid: int) -> None:
        """Take hold of `pid`; ProcessLookupError when there is no such process."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def __enter__(self) -> "ForeignProcess":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    @property
    def arguments(self) -> list[str]:
        """Its command line; empty when it is a zombie or gone."""
        try:
            line = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return []
        return [part.decode(errors="replace") for part in line.split(b"\0")[:-1]]

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended already."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            return

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for its end; tell whether it has ended."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
