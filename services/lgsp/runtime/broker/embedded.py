"""The embedded broker: genuine Apache Kafka, one KRaft node under the data directory.

One lock file says whether a broker runs for a data directory: the Java process itself holds the
lock, so it is free exactly when that process has ended, however it ended.
"""

import base64
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import structlog

from lgsp.domain.errors import ConfigurationError, FatalError, RetryableError
from lgsp.runtime.broker import config
from lgsp.runtime.broker.install import DIST, find_java, kafka_version, libraries
from lgsp.runtime.disk import has_no_room, way_out
from lgsp.runtime.kafka.cluster import wait_ready
from lgsp.runtime.ports import port_refused
from lgsp.runtime.settings import Settings
from lgsp.runtime.supervision.process import ForeignProcess, die_with_parent

_READY_WITHIN = 90.0
_STOP_WITHIN = 30.0


@dataclass(frozen=True, kw_only=True)
class BrokerStatus:
    """What is known of the broker of a data directory; pid and port are None when none runs."""

    running: bool
    pid: int | None
    port: int | None
    data: str
    kafka: str


class EmbeddedBroker:
    """Starts and stops the broker of one data directory; a context manager for a foreground one.

    The broker survives restarts and kill -9 with every acknowledged record (not a power cut: it
    relies on the page cache). Unless started detached it gets SIGTERM when the thread that
    started it ends.
    """

    def __init__(self, settings: Settings) -> None:
        self._port = settings.broker_port
        self._cache = settings.broker_cache
        self._home = settings.data.absolute() / "broker"
        self._logs = self._home / "data"
        self._properties = self._home / "server.properties"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"{config.HOST}:{self._port}"

    @property
    def log_file(self) -> Path:
        """File with the broker's warnings and errors; the one before it has the suffix `.1`."""
        return self._home / "kafka.log"

    def start(
        self,
        *,
        detached: bool = False,
        timeout: float = _READY_WITHIN,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Start the broker and return when a client can create topics and produce.

        Args:
            detached: let it run on after this process ends; `stop` of any process stops it.
            timeout: seconds to wait until it is ready.
            stopping: gives up waiting, without an error, when it says True; `stop` it then.

        Raises:
            ConfigurationError: no Java or Maven, a port in use, or a broker runs already here.
            FatalError: it ended by itself or was not ready in time; names the log file.
        """
        log = structlog.get_logger().bind(port=self._port, kafka=kafka_version())
        began = time.monotonic()
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "lock").open("w") as lock:
            self._claim(lock.fileno())
            _check_free("the broker", self._port)
            _check_free("the broker's controller", self._port + 1)
            java, jars = find_java(), _class_path(libraries(self._cache))
            self._format([java, *config.QUICK_JVM, *jars])
            self._properties.write_text(
                config.server_properties(port=self._port, logs=self._logs.name), "utf-8"
            )
            command = [java, *config.JVM, *jars, config.SERVER]
            self._child = self._spawn(command, lock.fileno(), detached=detached)
        try:
            self._remember(self._child.pid)
        except OSError:  # a full disk: what nobody could find again may not run on
            self.stop()
            raise
        try:
            wait_ready(self.bootstrap, timeout, alive=lambda: self.alive() and not stopping())
        except RetryableError as error:
            if stopping():
                return
            code = self._child.poll()
            self.stop()
            what = str(error) if code is None else f"it ended with code {code}"
            if has_no_room(self._home):
                what += f"; {self._home}: {way_out(self._home)}"
            raise FatalError(
                f"the broker did not start: {what}; {self.log_file} ends with:\n{self._log_end()}"
            ) from error
        log.info("broker_started", pid=self._child.pid, seconds=round(time.monotonic() - began, 1))

    def stop(self) -> bool:
        """Stop the broker of this data directory cleanly, whoever started it.

        Returns:
            Whether there was one to stop.
        """
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                structlog.get_logger().error("broker_killed", pid=child.pid)
                child.kill()
                child.wait()
            return True
        other = self._other()
        if other is None:
            return False
        with other:
            other.send(signal.SIGTERM)
            if not other.wait(_STOP_WITHIN):
                structlog.get_logger().error("broker_killed", pid=other.pid)
                other.send(signal.SIGKILL)
                other.wait(_STOP_WITHIN)
        return True

    def wait(self, timeout: float) -> int | None:
        """Wait at most `timeout` seconds for our child's end; its exit code, None if alive."""
        if self._child is None:
            return None
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def alive(self) -> bool:
        """Tell whether a broker process runs for this data directory."""
        if self._child is not None:
            return self._child.poll() is None
        other = self._other()
        if other is None:
            return False
        with other:
            return True

    def status(self) -> BrokerStatus:
        """Return what runs for this data directory."""
        running = self.alive()
        known = self._recall() if running else {}
        return BrokerStatus(
            running=running,
            pid=known.get("pid"),
            port=known.get("port"),
            data=str(self._home),
            kafka=kafka_version(),
        )

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _claim(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            known = self._recall()
            who = f" (pid {known['pid']}, port {known['port']})" if known else ""
            raise ConfigurationError(
                f"a broker already runs for {self._home}{who}:"
                " stop it with `lgsp broker stop`, or set LGSP_DATA to another folder"
            ) from error

    def _format(self, java: list[str]) -> None:
        """Give the data directory its cluster id, once; half a format is done again."""
        if (self._logs / "meta.properties").exists():
            return
        part = self._home / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        self._properties.write_text(
            config.server_properties(port=self._port, logs=part.name), "utf-8"
        )
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With `=`, because one id in 64 begins with a dash.
        command = [*java, config.FORMATTER, "format", "--standalone", f"--cluster-id={cluster}"]
        said = subprocess.run(
            [*command, "-c", str(self._properties)],
            cwd=self._home,
            env=os.environ | config.LOCALE,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if said.returncode != 0:
            raise FatalError(f"cannot format {part}: {(said.stdout + said.stderr).strip()[-500:]}")
        part.rename(self._logs)

    def _spawn(self, command: list[str], lock: int, *, detached: bool) -> subprocess.Popen[bytes]:
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("wb") as log:
            return subprocess.Popen(
                [*command, str(self._properties)],
                cwd=self._home,
                env=os.environ | config.LOCALE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),  # Java keeps the lock as long as it lives
                start_new_session=True,  # a terminal's Ctrl-C is for us, who stop it in order
                preexec_fn=None if detached else die_with_parent,  # noqa: PLW1509 - one C call
            )

    def _remember(self, pid: int) -> None:
        part = self._home / "broker.json.part"
        part.write_text(json.dumps({"pid": pid, "port": self._port}), "utf-8")
        part.replace(self._home / "broker.json")

    def _recall(self) -> dict[str, int]:
        try:
            known = json.loads((self._home / "broker.json").read_text("utf-8"))
            return {name: _positive(known[name]) for name in ("pid", "port")}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # nobody has started one, or somebody has written over it

    def _other(self) -> ForeignProcess | None:
        """Take hold of the broker another process started; None when it is not our Java."""
        pid = self._recall().get("pid")
        if pid is None:
            return None
        try:
            process = ForeignProcess(pid)
        except ProcessLookupError:
            return None
        if config.SERVER in process.arguments and str(self._properties) in process.arguments:
            return process
        with process:
            return None

    def _log_end(self) -> str:
        """Return the last lines of the log; of Java's traces, what was met and not where."""
        text = self.log_file.read_text("utf-8", errors="replace")
        said = [line for line in text.splitlines() if not line.startswith("\t")]
        return "\n".join(said[-8:])


def _positive(number: object) -> int:
    if type(number) is not int or number <= 0:
        raise ValueError(f"{number!r} is no process and no port")
    return number


def _class_path(jars: Path) -> list[str]:
    return [f"-Dlog4j2.configurationFile={DIST / 'log4j2.properties'}", "-cp", f"{jars}{os.sep}*"]


def _check_free(what: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.HOST, port))
        except OSError as error:
            settings = "LGSP_BROKER_PORT (LGSP_BROKER, when the Kafka there is meant)"
            raise port_refused(what, config.HOST, port, error, settings) from error
