"""Keeps a set of our own processes running: starts them in order, restarts the dead, stops them.

A process that lives and does not work is ended and restarted, too. Children never outlive the
supervisor by accident: the kernel sends them SIGTERM when it dies.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import structlog

from lgsp.domain.errors import FatalError
from lgsp.runtime.httpget import answers_200
from lgsp.runtime.supervision.process import die_with_parent

_BACKOFF = (0.2, 0.5, 1, 2, 5)
_STEADY = 30.0  # seconds of life after which a crash counts as the first one again
_STOP_WITHIN = 20.0
_GONE_WITHIN = 5.0  # after SIGKILL
_LOOK_EVERY = 3.0
_STARTED_WITHIN = 30.0  # seconds in which a new process need not answer yet
_UNHEALTHY_FOR = 30.0  # seconds after which a process is ended ...
_UNHEALTHY_LOOKS = 3  # ... and looks: we may have been busy ourselves


@dataclass(kw_only=True)
class Service:
    """One child: `arguments` of the `lgsp` command; `url`/healthz and /readyz answer 200 or not.

    Times are the supervisor's clock.
    """

    name: str
    arguments: Sequence[str]
    url: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    not_before: float = 0.0
    look_at: float = 0.0
    answered: bool = False  # since it was started
    unhealthy_since: float | None = None
    unhealthy_looks: int = 0
    kill_at: float = inf  # it was told to end

    @property
    def alive(self) -> bool:
        """Whether the process runs now."""
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Supervisor:
    """Starts services in order, one after the other is ready, and restarts those that fail.

    Args:
        services: in starting order; they are stopped in reverse order.
        environment: given to every child on top of our own.
        log_dir: each child's stderr goes to `<log_dir>/<name>.log`; None: to ours.
        command: what a service's arguments are for.
        clock: monotonic seconds.
        answers: tells whether a URL answers 200 now; takes seconds at most.
    """

    services: list[Service]
    environment: Mapping[str, str] = field(default_factory=dict)
    log_dir: Path | None = None
    command: Sequence[str] = (sys.executable, "-m", "lgsp.cli")
    clock: Callable[[], float] = time.monotonic
    answers: Callable[[str], bool] = answers_200

    def start(self, timeout: float, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start everything; FatalError when a service is not ready in `timeout` seconds."""
        for service in self.services:
            self._spawn(service)
        deadline = self.clock() + timeout
        for service in self.services:
            while not self.answers(f"{service.url}/readyz"):
                if stopping():
                    return
                if not service.alive and service.process is not None:
                    code = service.process.returncode
                    if code == 2:
                        raise FatalError(f"{service.name} is configured wrongly: see above")
                    self._restart(service)
                if self.clock() > deadline:
                    raise FatalError(f"{service.name} was not ready within {timeout:.0f} s")
                time.sleep(0.05)

    def keep_alive(self) -> None:
        """Restart what has died, with a growing pause between crashes in a row.

        A service that has been unhealthy for 30 seconds is sent SIGTERM, and SIGKILL when it has
        not ended within 20 more. Call it often: it looks at one service's health a call, and
        waits for nothing else.
        """
        for service in self.services:
            if not service.alive:
                self._restart(service)
            elif self.clock() >= service.kill_at:
                service.kill_at = inf
                self._kill(service)
        due = [s for s in self.services if s.alive and s.look_at <= self.clock()]
        if due:
            self._look(min(due, key=lambda service: service.look_at))

    def stop(self) -> None:
        """Send SIGTERM in reverse order and wait; SIGKILL what has not ended 20 seconds later.

        The 20 seconds are those of all together.
        """
        running = [service for service in reversed(self.services) if service.alive]
        for service in running:
            assert service.process is not None  # noqa: S101 - it is alive
            service.process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN
        for service in running:
            assert service.process is not None  # noqa: S101 - it was alive
            try:
                service.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._kill(service)

    def _look(self, service: Service) -> None:
        healthy = self.answers(f"{service.url}/healthz")
        now = self.clock()
        service.look_at = now + _LOOK_EVERY
        log = structlog.get_logger().bind(name=service.name)
        if healthy:
            if service.unhealthy_since is not None:
                log.info("service_healthy")
            service.answered, service.unhealthy_since, service.unhealthy_looks = True, None, 0
            return
        if not service.answered and now - service.started_at < _STARTED_WITHIN:
            return
        if service.unhealthy_since is None:
            log.warning("service_unhealthy")
            service.unhealthy_since = now
        service.unhealthy_looks += 1
        lasted = now - service.unhealthy_since
        if lasted < _UNHEALTHY_FOR or service.unhealthy_looks < _UNHEALTHY_LOOKS:
            return
        log.error("service_told_to_end", unhealthy_seconds=round(lasted))
        assert service.process is not None  # noqa: S101 - it is alive
        service.process.terminate()
        service.kill_at, service.look_at = now + _STOP_WITHIN, inf

    @staticmethod
    def _kill(service: Service) -> None:
        assert service.process is not None  # noqa: S101 - it is alive
        log = structlog.get_logger().bind(name=service.name)
        log.error("service_killed")
        service.process.kill()
        try:
            service.process.wait(_GONE_WITHIN)
        except subprocess.TimeoutExpired:  # the kernel holds it: a dead disk
            log.error("service_not_gone", pid=service.process.pid)

    def _restart(self, service: Service) -> None:
        now = self.clock()
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
            log = structlog.get_logger().bind(name=service.name)
            try:
                self._spawn(service)
            except OSError as error:  # a full disk, no memory: there may be room later
                service.not_before = now + _BACKOFF[-1]
                log.error("service_not_started", reason=str(error))
            else:
                log.info("service_restarted")

    def _spawn(self, service: Service) -> None:
        command = [*self.command, *service.arguments]
        environment = {**os.environ, **self.environment}
        if self.log_dir is None:
            service.process = self._popen(command, environment, None)
        else:
            self.log_dir.mkdir(parents=True, exist_ok=True)
            with (self.log_dir / f"{service.name}.log").open("ab") as log:
                service.process = self._popen(command, environment, log.fileno())
        service.started_at = self.clock()
        service.not_before = 0.0
        service.answered, service.unhealthy_since, service.unhealthy_looks = False, None, 0
        service.look_at, service.kill_at = service.started_at + _LOOK_EVERY, inf

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
