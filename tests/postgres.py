"""A real PostgreSQL server of Debian's packages, started for a test run on a free port."""

import os
import pwd
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType


def server_binaries() -> Path | None:
    """Return the folder of initdb and pg_ctl, newest version first; None when not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)
    return found[0].parent if found else None


class PostgresServer:
    """Context manager; `url` is the SQLAlchemy URL of an empty database.

    `durable`: its commits survive a power cut, as they would in production; tests do without.
    """

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self._binaries = binaries
        self._fsync = "on" if durable else "off"
        self._folder = tempfile.TemporaryDirectory(prefix="lgsp-pg-", ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://lgsp@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> "PostgresServer":
        home = Path(self._folder.name)
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(home, owner.pw_uid, owner.pw_gid)
        data = home / "data"
        self._run(
            "initdb", "-D", str(data), "-U", "lgsp", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            f" -c fsync={self._fsync} -c max_connections=50"
        )
        self._run("pg_ctl", "-D", str(data), "-w", "-l", str(home / "log"), "-o", options, "start")
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "-D", f"{self._folder.name}/data", "-m", "immediate", "stop")
        self._folder.cleanup()

    def _run(self, tool: str, *arguments: str) -> None:
        # The server refuses to run as root; its package made the user postgres.
        user = "postgres" if os.getuid() == 0 else None
        subprocess.run(
            [self._binaries / tool, *arguments],
            user=user,
            cwd=self._folder.name,
            check=True,
            stdout=subprocess.DEVNULL,
        )
