"""Reaching a Kafka cluster: connecting with patience, administration, readiness, errors."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stamina
import structlog
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from lgsp.domain.errors import FatalError, LgspError, RetryableError

PATIENCE = 30.0
"""Seconds of the brokers' absence that a call waits out."""

_SAYS_SO = 2  # at this attempt

COMMON = {
    "reconnect_backoff_max_ms": 1000,  # the client's own 30 s would outlast a broker's restart
    "bootstrap_timeout_ms": 10_000,
}

# It reports every refused connection several times; we raise, or say once that we try again.
logging.getLogger("kafka.net").setLevel(logging.CRITICAL)


def connect_options(patience: float) -> dict[str, int]:
    """Return the options of a client that gives up one attempt to connect within `patience`."""
    return COMMON | {"bootstrap_timeout_ms": min(10_000, int(patience * 1000))}


@contextmanager
def open_admin(bootstrap: str, patience: float = PATIENCE) -> Iterator[Any]:
    """Give a connected KafkaAdminClient; RetryableError when no broker answers."""

    def connect() -> Any:
        return KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","),
            client_id="lgsp-admin",
            **connect_options(patience),
        )

    admin = connect_with_retries(bootstrap, connect, patience)
    try:
        yield admin
    except KafkaError as error:
        raise translate_error(f"the broker at {bootstrap}", error) from error
    finally:
        admin.close()


def wait_ready(
    bootstrap: str, timeout: float, *, alive: Callable[[], bool] = lambda: True
) -> None:
    """Return when the cluster can create topics and every existing partition has a leader.

    Args:
        bootstrap: brokers to ask.
        timeout: seconds to wait at most.
        alive: gives up at once when it says False (the process we wait for has ended).

    Raises:
        RetryableError: not ready in time, or `alive` said False.
    """
    deadline = time.monotonic() + timeout
    reason = "nothing listens"
    while alive() and time.monotonic() < deadline:
        if _accepts_connections(bootstrap):
            try:
                reason = _not_ready(bootstrap)
            except LgspError as error:
                reason = str(error)
            if not reason:
                return
        time.sleep(0.05)  # between two questions to another process; nothing announces it
    raise RetryableError(f"no broker is ready at {bootstrap}: {reason}")


def _not_ready(bootstrap: str) -> str:
    """Say what is missing; "" when nothing is."""
    with open_admin(bootstrap, patience=1) as admin:
        # A dry run places a replica: it needs a controller and a broker that is not fenced.
        admin.create_topics([NewTopic("lgsp-probe", 1, 1)], validate_only=True)
        for topic in admin.describe_topics():
            for partition in topic["partitions"]:
                if partition["leader_id"] < 0:
                    return f"{topic['name']}/{partition['partition_index']} has no leader"
    return ""


def _accepts_connections(bootstrap: str) -> bool:
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def connect_with_retries(
    bootstrap: str, connect: Callable[[], Any], patience: float = PATIENCE
) -> Any:
    """Return what `connect` returns, waiting out a short absence of the brokers.

    One line says that it waits, where that may take long.
    """
    try:
        for attempt in stamina.retry_context(
            on=is_retryable, attempts=None, timeout=patience, wait_initial=0.1, wait_max=2
        ):
            if attempt.num == _SAYS_SO and patience >= PATIENCE:
                log = structlog.get_logger()
                log.warning("waiting_for_broker", bootstrap=bootstrap, at_most=patience)
            with attempt:
                return connect()
    except KafkaError as error:
        raise translate_error(f"no broker answers at {bootstrap}", error) from error
    raise AssertionError  # the loop above returns or raises


def is_retryable(error: Exception) -> bool:
    """Tell whether the client says that the same call may work later."""
    return bool(getattr(error, "retriable", False))


def translate_error(what: str, error: Exception) -> LgspError:
    """Return the client's error as one of ours."""
    text = f"{what}: {_name(error)}"
    return RetryableError(text) if is_retryable(error) else FatalError(text)


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
