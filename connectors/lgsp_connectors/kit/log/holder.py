"""Who claims a portal: a process, told apart from every other one that there is or was."""

import os
import socket
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple


class Holder(NamedTuple):
    """Who claims a portal: enough to name it, and to tell whether it still runs.

    `home` is where process ids mean the same: one start of one machine, one container.
    """

    id: str
    host: str
    home: str
    pid: int
    started: int
    config: str

    @classmethod
    def here(cls, config: Path) -> "Holder":
        """Describe this process."""
        pid = os.getpid()
        return cls(
            token_hex(8), socket.gethostname(), _home(), pid, started(pid), str(config.resolve())
        )

    def words(self) -> str:
        """Name it for a person."""
        return f"process {self.pid} on {self.host} with {self.config}"


def started(pid: int) -> int:
    """Give when a process started, in ticks since its machine did; -1 when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return -1
    state, *fields = stat.rpartition(b")")[2].split()
    return -1 if state == b"Z" else int(fields[18])


def _home() -> str:
    """Name where process ids mean the same; "" when that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
