"""The shipped rules in a real Prometheus over the real service.

Healthy is silent; each cause rings its alert, nothing else rings beside what follows from it, and
it is silent again when the cause is gone. Times run forty times as fast; the unit tests of the
rules (alerts_test.yml) hold the true ones.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.alarms.prometheus import Prometheus
from tests.e2e.stack import Up
from tests.ports import free_port_pair
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(600)]
_FACTOR = 40
_HEAD = "MaHoSo,DonVi,MaTTHC,KenhNop,NgayNop,NgayTiepNhan,NgayHenTra,NgayXong,TrangThai"
_REFUSES = """\
- match: {{service: DongBoHoSoMC, dossier: {code}}}
  do: {{error_code: "-1", message: "Dữ liệu không hợp lệ"}}
"""
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
  status: {field: TrangThai, map: {"da xong": 9}, default: reject}
run: {poll_seconds: 1}
"""


def _code(number: int) -> str:
    return f"H37.1-240102-{number:04}"


class Province:
    """`lgsp up`, a mock of the national portal beside it, and a connector of files."""

    def __init__(self, folder: Path) -> None:
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.config = folder / "connector.yaml"
        self.config.write_text(
            "connector: files\nportal: so-thu\nprovince: H37\nsource: {path: ./inbox/*.csv}\n"
            + _MAPPING
        )
        self.up = Up(folder / "data")
        self.up.environment |= {
            "LGSP_NATIONAL_URL": f"http://127.0.0.1:{self.up.mock}",
            "LGSP_NATIONAL_TIMEOUT": "2",
        }
        self.metrics = int(self.up.environment["LGSP_METRICS_PORT"])
        self.connector_port = free_port_pair()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_national(self, faults: str = "") -> None:
        """Run the mock of the national portal, in place of the one that runs."""
        self.stop_national()
        script = self.up.data.parent / "faults.yaml"
        script.write_text(faults or "[]")
        command = ["mock", "national", "--port", str(self.up.mock), "--faults", str(script)]
        self._start("national", "lgsp.cli", command)

    def start_connector(self) -> None:
        command = ["run", str(self.config), "--port", str(self.connector_port)]
        self._start("connector", "lgsp_connectors.cli", command)

    def stop_national(self) -> None:
        self._stop("national")

    def stop_connector(self) -> None:
        self._stop("connector")

    def _start(self, name: str, module: str, arguments: list[str]) -> None:
        with (self.up.data.parent / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self.up.environment,
                stdout=log,
                stderr=log,
            )

    def _stop(self, name: str) -> None:
        if (process := self._running.pop(name, None)) is not None:
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
    ) -> None:
        """Put a file into the inbox, whole at once."""
        dates = [received, received, "09/01/2024 17:00", "08/01/2024 09:00"]
        rows = [
            ",".join([_code(n), "H37.1", procedure, "truc tuyen", *dates, "da xong"])
            for n in numbers
        ]
        (self.inbox / "part").write_text("\n".join([head, *rows, ""]))
        (self.inbox / "part").rename(self.inbox / name)

    def drained(self) -> bool:
        """Whether all that was read is counted and pushed."""
        return bool(self.up.run("drain", "--timeout", "1", ok=False)["drained"])


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    province = Province(tmp_path_factory.mktemp("alarms"))
    province.put("first.csv", range(1, 41))
    try:
        province.start_national()
        with province.up:
            province.start_connector()
            wait_until("all is pushed", province.drained, 120)
            yield province
    finally:
        province.stop_connector()
        province.stop_national()


@pytest.fixture(scope="module")
def prometheus(
    province: Province, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Prometheus over the healthy system, which is silent for its "quarter of an hour"."""
    folder = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, province.targets(), _FACTOR) as prometheus:
        wait_until("all answer", lambda: prometheus.up() == set(province.targets()))
        assert prometheus.watch(15 * 60) == set()
        yield prometheus


def test_what_cannot_be_used_rings_until_it_is_mended(
    province: Province, prometheus: Prometheus
) -> None:
    province.put("rows.csv", range(50, 53), received="32/01/2024 08:00")
    province.put("file.csv", range(60, 63), head="Ten,Tuoi")
    prometheus.ring("DeadLettersRising", "FilesRefused", beside=["TrustFallen"])
    province.put("rows.csv", range(50, 53))
    province.put("file.csv", range(60, 63))
    prometheus.fall_silent()


def test_a_national_portal_that_refuses_or_is_away_rings(
    province: Province, prometheus: Prometheus
) -> None:
    province.start_national(_REFUSES.format(code=_code(70)))
    province.put("refused.csv", range(70, 71))
    province.put("unknown.csv", range(71, 72), procedure="khong-co")
    prometheus.ring("SyncHeld", "SyncParked")
    province.stop_national()
    province.put("more.csv", range(80, 90))
    prometheus.ring("NationalPortalAway", beside=["SyncHeld", "SyncParked"])
    province.start_national()
    province.put("unknown.csv", range(71, 72))
    province.up.run("sync", "redrive")
    prometheus.fall_silent()


def test_a_connector_that_is_gone_rings(province: Province, prometheus: Prometheus) -> None:
    province.stop_connector()
    prometheus.ring("ProcessDown", "PortalSilent")
    province.start_connector()
    prometheus.fall_silent()


@pytest.mark.long
def test_a_worker_that_starts_again_and_again_rings(
    province: Province, prometheus: Prometheus
) -> None:
    for _ in range(4):
        wait_until("rates answers", lambda: "rates" in prometheus.up())
        province.up.kill("worker", "rates")
        wait_until("it is gone", lambda: "rates" not in prometheus.up())
    prometheus.ring("CrashLoop", beside=["ProcessDown", "NotReady"])
    prometheus.fall_silent()


def test_a_target_that_nobody_looks_at_rings(prometheus: Prometheus) -> None:
    prometheus.leave_out("feed")
    prometheus.ring("TargetMissing")
    prometheus.put_back("feed")
    prometheus.fall_silent()


@pytest.mark.long
def test_a_store_that_another_program_locks_rings(
    province: Province, prometheus: Prometheus
) -> None:
    with closing(sqlite3.connect(province.up.data / "rates.db", isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        province.put("waiting.csv", range(90, 99))
        prometheus.ring("StoreStuck", "LaneStands", "FiguresStale")
        lock.execute("ROLLBACK")
    prometheus.fall_silent()


@pytest.mark.long
def test_a_broker_that_does_not_answer_rings(province: Province, prometheus: Prometheus) -> None:
    broker = province.up.child("kafka.Kafka")
    os.kill(broker, signal.SIGSTOP)
    try:
        prometheus.ring("BrokerAway")
    finally:
        os.kill(broker, signal.SIGCONT)
    prometheus.fall_silent()
