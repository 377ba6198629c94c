"""The shipped rules in a real Prometheus over the real service.

Healthy is silent; each cause rings its alert, nothing else rings beside what follows from it, and
it is silent again when the cause is gone. Times run sixty times as fast; the unit tests of the
rules (alerts_test.yml) hold the true ones.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.alarms.prometheus import Prometheus
from tests.e2e.province import Province, code_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(600)]
_FACTOR = 60
_REFUSES = """\
- match: {{service: DongBoHoSoMC, dossier: {code}}}
  do: {{error_code: "-1", message: "Dữ liệu không hợp lệ"}}
"""


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
    province.put("rows.csv", range(50, 53), channel="buu chinh")
    province.put("file.csv", range(60, 63), head="Ten,Tuoi")
    prometheus.ring("DeadLettersRising", "FilesRefused", "TrustFallen")
    province.learn("buu chinh", "POSTAL")
    province.put("file.csv", range(60, 63))
    prometheus.fall_silent()


@pytest.mark.long
def test_a_national_portal_that_refuses_or_is_away_rings(
    province: Province, prometheus: Prometheus
) -> None:
    province.start_national(_REFUSES.format(code=code_of(70)))
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


@pytest.mark.long
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


@pytest.mark.long
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
