"""Ports for servers that tests start."""

import random
import socket


def free_port_pair() -> int:
    """Return a port that is free together with the next one.

    Below the range of ephemeral ports: the broker binds it seconds later, and until then any
    client on this machine might be given an ephemeral one.
    """
    for _ in range(1000):
        port = random.SystemRandom().randrange(12_000, 32_000, 2)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no pair of free ports among a thousand")
