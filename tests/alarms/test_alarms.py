"""The shipped rules in a real Prometheus over the real service.

Healthy is silent; each cause rings its alert, nothing else rings beside what follows from it, and
it is silent again when the cause is gone.
"""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.alarms.prometheus import Prometheus
from tests.e2e.province import Province, code_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(600)]
_AS_FAST = 15  # a quarter of an hour in a minute: four starts of a process fit into it
_STARTS = ["NationalPortalAway"]  # while the mock starts, which takes its "five minutes"
_REFUSES = """\
- match: {{service: DongBoHoSoMC, dossier: {code}}}
  do: {{error_code: "-1", message: "Dữ liệu không hợp lệ"}}
"""


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
    prometheus.ring("SyncHeld", "SyncParked", beside=_STARTS)
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
def test_a_worker_that_starts_again_and_again_rings(province: Province, tmp_path: Path) -> None:
    with Prometheus(tmp_path, province.targets(), _AS_FAST) as prometheus:
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
        prometheus.ring(
            "StoreStuck",
            "LaneStands",
            "FiguresStale",
            beside=["NotReady", "TrustFallen", "CellsUnpublished"],
        )
        lock.execute("ROLLBACK")
    prometheus.fall_silent()


@pytest.mark.long
def test_a_broker_that_does_not_answer_rings(province: Province, prometheus: Prometheus) -> None:
    broker = province.up.child("kafka.Kafka")
    os.kill(broker, signal.SIGSTOP)
    try:
        prometheus.ring(
            "BrokerAway", beside=["NotReady", "TrustFallen", "ConnectorRetrying", "FiguresStale"]
        )
    finally:
        os.kill(broker, signal.SIGCONT)
    prometheus.fall_silent()
