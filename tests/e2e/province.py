"""A province as its users run it: `lgsp up`, a portal of files with its connector, and a mock of
the national portal that is started and stopped by itself."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.e2e.stack import Up
from tests.ports import free_port_pair

_HEAD = "MaHoSo,DonVi,MaTTHC,KenhNop,NgayNop,NgayTiepNhan,NgayHenTra,NgayXong,TrangThai"
_MAPPING = """\
shape: dossiers
mapping:
  dossier_code: MaHoSo
  agency: {field: DonVi}
  procedure: {field: MaTTHC}
  channel: {field: KenhNop, map: {"truc tuyen": ONLINE}, default: reject}
  service_level: {const: UNKNOWN}
  submitted_at: {field: NgayNop, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  received_at: {field: NgayTiepNhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  due_at: {field: NgayHenTra, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  finished_at: {field: NgayXong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  status: {field: TrangThai, map: {"dang xu ly": 4, "da xong": 9}, default: reject}
run: {poll_seconds: 1, expect: {every: 1h}}
"""


class Row(NamedTuple):
    """A dossier as the portal's file shows it; dates as written there."""

    number: int
    received: str = "02/01/2024 08:00"
    due: str = "09/01/2024 17:00"
    finished: str = "08/01/2024 09:00"
    status: str = "da xong"
    procedure: str = "1.000001"
    channel: str = "truc tuyen"

    def text(self) -> str:
        """Return its line."""
        dates = [self.received, self.received, self.due, self.finished]
        code = code_of(self.number)
        return ",".join([code, "H37.1", self.procedure, self.channel, *dates, self.status])


def code_of(number: int) -> str:
    return f"H37.1-240102-{number:04}"


class Province:
    """`lgsp up`, a mock of the national portal beside it, and a connector of files."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self._logs = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.config = folder / "connector.yaml"
        self.config.write_text(
            "connector: files\nportal: so-thu\nprovince: H37\nsource: {path: ./inbox/*.csv}\n"
            + _MAPPING
        )
        self.up = Up(data or folder / "data")
        self.up.environment |= {
            "LGSP_NATIONAL_URL": f"http://127.0.0.1:{self.up.mock}",
            "LGSP_NATIONAL_TIMEOUT": "2",
        }
        self.metrics = int(self.up.environment["LGSP_METRICS_PORT"])
        self.connector_port = free_port_pair()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}

    def learn(self, word: str, channel: str) -> None:
        """Mend the mapping: one more word of the portal is known."""
        known = '"truc tuyen": ONLINE'
        text = self.config.read_text().replace(known, f'{known}, "{word}": {channel}')
        self.config.write_text(text)
        self.stop_connector()
        self.start_connector()

    def start_national(self, faults: str = "") -> None:
        """Run the mock of the national portal, in place of the one that runs."""
        self.stop_national()
        script = self._logs / "faults.yaml"
        script.write_text(faults or "[]")
        command = ["mock", "national", "--port", str(self.up.mock), "--faults", str(script)]
        self._start("national", "lgsp.cli", command)

    def start_connector(self) -> None:
        command = ["run", str(self.config), "--port", str(self.connector_port)]
        self._start("connector", "lgsp_connectors.cli", command)

    def revive(self) -> None:
        """Start again, as their supervisor does, what has ended by itself (a full disk)."""
        for name, process in self.running.items():
            if process.poll() is not None:
                self._spawn(name)

    def stop_national(self) -> None:
        self._stop("national")

    def stop_connector(self) -> None:
        self._stop("connector")

    def _start(self, name: str, module: str, arguments: list[str]) -> None:
        self._commands[name] = [sys.executable, "-m", module, *arguments]
        self._spawn(name)

    def _spawn(self, name: str) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self._commands[name],
                env=self.up.environment,
                stdout=log,
                stderr=log,
            )

    def _stop(self, name: str) -> None:
        if (process := self.running.pop(name, None)) is not None:
            process.kill()
            process.wait()

    def targets(self) -> dict[str, str]:
        """Return what Prometheus scrapes."""
        return {
            "rates": f"127.0.0.1:{self.metrics}",
            "national-sync": f"127.0.0.1:{self.metrics + 1}",
            "feed": f"127.0.0.1:{self.up.feed}",
            "connector": f"127.0.0.1:{self.connector_port}",
        }

    def put(
        self,
        name: str,
        numbers: range,
        *,
        head: str = _HEAD,
        received: str = "02/01/2024 08:00",
        procedure: str = "1.000001",
        channel: str = "truc tuyen",
    ) -> None:
        """Put a file of ended dossiers into the inbox, whole at once."""
        rows = [Row(n, received, procedure=procedure, channel=channel) for n in numbers]
        self.write(name, rows, head=head)

    def write(self, name: str, rows: Iterable[Row], *, head: str = _HEAD) -> None:
        """Put a file into the inbox, whole at once."""
        (self.inbox / "part").write_text("\n".join([head, *(row.text() for row in rows), ""]))
        (self.inbox / "part").rename(self.inbox / name)

    def redriven(self) -> bool:
        """Let a person send again what the portal refused; whether that is nothing any more."""
        return bool(self.up.run("sync", "redrive", ok=False).get("redriven") == 0)

    def drained(self) -> bool:
        """Whether all that was read is counted and pushed."""
        return bool(self.up.run("drain", "--timeout", "1", ok=False)["drained"])
