"""Whether there is a broker to ask at all, known before a client waits for one in vain."""

import socket

from lgsp.domain.errors import RetryableError
from lgsp.runtime.settings import Settings


def need_broker(settings: Settings) -> Settings:
    """Return the settings when something listens where the embedded broker would.

    With LGSP_BROKER set nothing is asked: clients wait out a short absence of a real cluster.

    Raises:
        RetryableError: no broker runs on this machine; the message names the way out.
    """
    if settings.broker:
        return settings
    host, _, port = settings.bootstrap.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError as error:
        raise RetryableError(
            f"no broker runs at {settings.bootstrap}: start one with `lgsp up` or"
            " `lgsp broker start`, or set LGSP_BROKER"
        ) from error
    return settings
