"""A port that cannot be listened on: which one, what holds it, and the setting to change."""

import errno
from collections.abc import Iterator
from pathlib import Path

from lgsp.domain.errors import ConfigurationError

_LISTENS = "0A"  # state of a socket in /proc/net/tcp


def port_refused(
    what: str, host: str, port: int, error: OSError, settings: str
) -> ConfigurationError:
    """Make the error of a port that cannot be listened on.

    Args:
        what: was to be served there ("the feed").
        host: address to listen on.
        port: as asked for.
        error: what the system said.
        settings: those that name another address or port.
    """
    cause = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        cause = (
            f"{holder} listens there: stop it" if holder else f"{cause}: stop what listens there"
        )
    return ConfigurationError(f"cannot serve {what} on {host}:{port}: {cause}, or set {settings}")


def holder_of(port: int) -> str:
    """Name the process that listens on a TCP port: "process 4711 (java)".

    "" where it cannot be known: not on Linux, another user's process, another container.
    """
    sockets = {f"socket:[{inode}]" for inode in _listeners(port)}
    if not sockets:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(held.readlink()) in sockets for held in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:  # not ours to look into, or gone by now
            continue
    return ""


def _listeners(port: int) -> Iterator[str]:
    """Give the inodes of the sockets that listen on the port."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                yield inode
