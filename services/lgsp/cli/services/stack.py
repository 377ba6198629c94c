"""Everything on one machine under one roof: broker, topics, mock, processors, feed."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from lgsp.domain.errors import LgspError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.disk import describe
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.ports import http_url
from lgsp.runtime.settings import Settings
from lgsp.runtime.supervision.supervisor import Service, Supervisor

_READY_WITHIN = 90.0
_BROKER_PAUSE = 2.0


class Stack:
    """Starts, tends and stops the whole service on this machine.

    Args:
        settings: as loaded.
        overrides: settings that the children cannot find in their environment.
        quiet: children log to `<data>/logs/<name>.log` instead of our stderr.
    """

    def __init__(
        self, settings: Settings, overrides: Mapping[str, Any], *, quiet: bool = False
    ) -> None:
        self.settings = settings
        self._broker = None if settings.broker else EmbeddedBroker(settings)
        self._broker_retry_at = 0.0
        self._broker_down: str | None = None  # why it could not be started last; None: it was
        self._supervisor = Supervisor(
            services=_services(settings),
            environment={f"LGSP_{name.upper()}": str(value) for name, value in overrides.items()},
            log_dir=settings.data / "logs" if quiet else None,
        )

    @property
    def url(self) -> str:
        """URL of the IOC page."""
        return f"{http_url(self.settings.feed_host, self.settings.feed_port)}/"

    def start(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start everything and return when all is live.

        Raises:
            ConfigurationError: a prerequisite is missing or a port is taken.
            FatalError: a service did not become ready.
        """
        if self._broker is not None:
            self._broker.start(stopping=stopping)
        if not stopping():
            apply_topics(self.settings)
        if not stopping():
            self._supervisor.start(_READY_WITHIN, stopping)

    def keep_alive(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Restart whatever has died or is unhealthy; call it often.

        It waits for nothing but a broker that it starts again, and not once told to stop.
        """
        if self._broker is not None and not self._broker.alive():
            self._restart(self._broker, stopping)
        self._supervisor.keep_alive()

    def _restart(self, broker: EmbeddedBroker, stopping: Callable[[], bool]) -> None:
        """Start the broker again, every few seconds; one line when it dies, one a new reason."""
        now, log = time.monotonic(), structlog.get_logger()
        if now < self._broker_retry_at:
            return
        if self._broker_down is None:
            log.error("broker_died")
            self._broker_down = ""
        try:
            broker.start(stopping=stopping)
        except (LgspError, OSError) as error:  # a full disk may have room again later
            data = self.settings.data
            reason = describe(error, data) if isinstance(error, OSError) else str(error)
            if self._broker_down != (kind := reason.partition(";")[0]):
                log.error("broker_not_restarted", error=reason)
            self._broker_down = kind
            self._broker_retry_at = time.monotonic() + _BROKER_PAUSE
        else:
            self._broker_down = None

    def stop(self) -> None:
        """Stop everything, readers of the log before the log."""
        self._supervisor.stop()
        if self._broker is not None:
            self._broker.stop()


def _services(settings: Settings) -> list[Service]:
    host, port = settings.metrics_host, settings.metrics_port
    services = [
        Service(
            name="rates",
            arguments=["worker", "rates"],
            url=http_url(host, port),
        ),
        Service(
            name="national-sync",
            arguments=["worker", "national-sync"],
            url=http_url(host, port + 1),
        ),
        Service(
            name="feed",
            arguments=["feed"],
            url=http_url(settings.feed_host, settings.feed_port),
        ),
    ]
    if not settings.national_url:
        mock = Service(
            name="national-mock",
            arguments=["mock", "national", "--port", str(settings.mock_port)],
            url=http_url("127.0.0.1", settings.mock_port),
        )
        services.insert(0, mock)
    return services


def free_port(preferred: int) -> int:
    """Return `preferred` when it is free on the loopback, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback")
