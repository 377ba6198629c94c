"""Clients that mean no good: connections that ask nothing, half of a request, or never read."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def half_open(port: int, number: int, said: bytes) -> Iterator[list[socket.socket]]:
    """Open connections that say so much and no more."""
    with ExitStack() as opened:
        clients = []
        for _ in range(number):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            client.sendall(said)
            clients.append(client)
        yield clients


def is_closed(client: socket.socket) -> bool:
    """Tell whether the other side has closed the connection, without waiting."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
