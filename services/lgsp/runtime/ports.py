"""Ports that we listen on: of either family; who holds one that is taken, what to change then."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from lgsp.domain.errors import ConfigurationError

_LISTENS = "0A"  # state of a socket in /proc/net/tcp
_BACKLOG = 512
_ALL_OF_IPV6 = "::"


def listen(what: str, host: str, port: int, settings: str) -> socket.socket:
    """Listen on a host and port; a name that has addresses of both families means IPv4.

    Args:
        what: is to be served there ("the feed").
        host: name or address; `::` takes connections of IPv4, too.
        port: 0: any free one.
        settings: those that name another address or port.

    Raises:
        ConfigurationError: it cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        families = {family for family, *_ in found}
        return socket.create_server(
            (host, port),
            family=socket.AF_INET if socket.AF_INET in families else socket.AF_INET6,
            backlog=_BACKLOG,
            dualstack_ipv6=host == _ALL_OF_IPV6 and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise port_refused(what, host, port, error, settings) from error


def http_url(host: str, port: int) -> str:
    """Return the URL of what is served there."""
    return f"http://{_address(host, port)}"


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
    place = _address(host, port)
    return ConfigurationError(f"cannot serve {what} on {place}: {cause}, or set {settings}")


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
