"""Keeps a set of our own processes running: starts them in order, restarts the dead, stops them.

Children never outlive the supervisor by accident: the kernel sends them SIGTERM when it dies.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from lgsp.domain.errors import FatalError
from lgsp.runtime.process import die_with_parent

_BACKOFF = (0.2, 0.5, 1, 2, 5)
_STEADY = 30.0  # seconds of life after which a crash counts as the first one again
_STOP_WITHIN = 20.0


@dataclass(kw_only=True)
class Service:
    """One child: `arguments` of the `lgsp` command, and the URL that answers 200 when it works."""

    name: str
    arguments: Sequence[str]
    ready_url: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    not_before: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process runs now."""
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Supervisor:
    """Starts services in order, one after the other is ready, and restarts the ones that die.

    Args:
        services: in starting order; they are stopped in reverse order.
        environment: given to every child on top of our own.
        log_dir: each child's stderr goes to `<log_dir>/<name>.log`; None: to ours.
    """

    services: list[Service]
    environment: Mapping[str, str] = field(default_factory=dict)
    log_dir: Path | None = None

    def start(self, timeout: float, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start everything; FatalError when a service is not ready in `timeout` seconds."""
        for service in self.services:
            self._spawn(service)
        deadline = time.monotonic() + timeout
        for service in self.services:
            while not is_ready(service.ready_url):
                if stopping():
                    return
                if not service.alive and service.process is not None:
                    code = service.process.returncode
                    if code == 2:
                        raise FatalError(f"{service.name} is configured wrongly: see above")
                    self._restart(service)
                if time.monotonic() > deadline:
                    raise FatalError(f"{service.name} was not ready within {timeout:.0f} s")
                time.sleep(0.05)

    def keep_alive(self) -> None:
        """Restart what has died, with a growing pause between crashes in a row."""
        for service in self.services:
            if not service.alive:
                self._restart(service)

    def stop(self) -> None:
        """Send SIGTERM in reverse order and wait; SIGKILL what does not end in 20 seconds."""
        for service in reversed(self.services):
            if service.process is None or not service.alive:
                continue
            service.process.terminate()
            try:
                service.process.wait(_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                structlog.get_logger().error("service_killed", name=service.name)
                service.process.kill()
                service.process.wait()

    def _restart(self, service: Service) -> None:
        now = time.monotonic()
        if service.not_before == 0.0:
            steady = now - service.started_at > _STEADY
            service.crashes = 0 if steady else service.crashes
            pause = _BACKOFF[min(service.crashes, len(_BACKOFF) - 1)]
            service.crashes += 1
            service.not_before = now + pause
            code = service.process.returncode if service.process else None
            structlog.get_logger().error(
                "service_died", name=service.name, exit_code=code, restart_in=pause
            )
        elif now >= service.not_before:
            self._spawn(service)

    def _spawn(self, service: Service) -> None:
        command = [sys.executable, "-m", "lgsp.cli", *service.arguments]
        environment = {**os.environ, **self.environment}
        if self.log_dir is None:
            service.process = self._popen(command, environment, None)
        else:
            self.log_dir.mkdir(parents=True, exist_ok=True)
            with (self.log_dir / f"{service.name}.log").open("ab") as log:
                service.process = self._popen(command, environment, log.fileno())
        service.started_at = time.monotonic()
        service.not_before = 0.0

    @staticmethod
    def _popen(
        command: list[str], environment: dict[str, str], stderr: int | None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            # A terminal's Ctrl-C must reach only the supervisor, which stops the rest in order.
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has no threads
        )


def is_ready(url: str) -> bool:
    """Tell whether the URL answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback URLs
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
