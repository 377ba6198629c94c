"""More causes, each of which takes a minute or two: what only a person or a night would bring."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.topics import RATE_CELLS
from tests.alarms.prometheus import Prometheus
from tests.chaos.clocks import Clocks
from tests.e2e.province import Province, Row, code_of
from tests.national.certificates import Authority
from tests.programs import missing
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kafka,
    pytest.mark.long,
    pytest.mark.timeout(600),
]
_STARTS = ["NationalPortalAway"]  # while the mock starts, which takes its "five minutes"
_MANY = 200
_OPEN = "dang xu ly"
_LOSES_STEPS = """\
- match: {service: TraCuuHoSo}
  do: {hide_steps: true}
- match: {service: CapNhatTienDoHoSoMC, nth: 1}
  do: {drop: after}
"""
_KEEPS_NOT = """\
- match: {service: DongBoHoSoMC, nth: 1}
  do: {not_kept: true}
"""


def test_a_disk_that_fills_rings(
    province: Province, prometheus: Prometheus, small_disk: Path | None
) -> None:
    if small_disk is None:
        missing("mounting a disk of its own needs root")
    with _filled(small_disk / "filler", leave=0.07):
        prometheus.ring("DiskFilling")
    prometheus.fall_silent()


def test_a_clock_that_is_off_rings(prometheus: Prometheus, clocks: Clocks) -> None:
    with clocks.off("connector", -600):
        prometheus.ring("ClockOff", "TrustFallen")
    prometheus.fall_silent()


def test_a_dossier_that_waits_for_an_hour_rings(
    province: Province, prometheus: Prometheus
) -> None:
    province.stop_national()
    province.put("waits.csv", range(100, 110))
    prometheus.ring("SyncPendingOld", beside=["NationalPortalAway"])
    province.start_national()
    prometheus.fall_silent()


def test_a_step_whose_answer_was_lost_rings_until_a_person_has_looked(
    province: Province, prometheus: Prometheus
) -> None:
    province.start_national(_LOSES_STEPS)
    province.write("open.csv", [Row(120, finished="", status=_OPEN)])
    prometheus.ring("SyncInDoubt", beside=_STARTS)
    province.start_national()
    province.up.run("sync", "arrived", code_of(120))
    prometheus.fall_silent()


def test_cells_that_are_not_those_of_the_dossiers_ring(
    province: Province, prometheus: Prometheus
) -> None:
    def add(number: int) -> None:
        with closing(sqlite3.connect(province.up.data / "rates.db", timeout=30)) as store, store:
            store.execute(
                "UPDATE cells SET open_overdue = open_overdue + ?"
                " WHERE (day, partition, service) = (?, ?, ?)",
                (number, *cell),
            )

    with closing(sqlite3.connect(province.up.data / "rates.db")) as store:
        cell = store.execute("SELECT day, partition, service FROM cells LIMIT 1").fetchone()
    add(1)
    province.put("counted.csv", range(130, 132))  # a store that stands still is left alone
    prometheus.ring("FiguresDiffer", "TrustFallen")
    add(-1)
    province.put("again.csv", range(132, 134))
    prometheus.fall_silent()


def test_a_backlog_that_grows_rings(province: Province, prometheus: Prometheus) -> None:
    written, due = 0, 0.0

    def rings() -> bool:
        nonlocal written, due
        if time.monotonic() >= due:
            first = 200 + written * _MANY
            province.put(f"backlog-{written}.csv", range(first, first + _MANY))
            written, due = written + 1, time.monotonic() + 2
        return "BacklogGrows" in prometheus.ringing()

    # The store is locked, so that nothing is counted while the log grows.
    with closing(sqlite3.connect(province.up.data / "rates.db", isolation_level=None)) as lock:
        lock.execute("PRAGMA busy_timeout = 10000")
        lock.execute("BEGIN IMMEDIATE")
        wait_until("BacklogGrows rings", rings, 120)
        lock.execute("ROLLBACK")
    prometheus.fall_silent()


def test_changed_figures_that_cannot_be_published_ring(
    province: Province, prometheus: Prometheus
) -> None:
    bootstrap = f"127.0.0.1:{province.up.environment['LGSP_BROKER_PORT']}"
    with open_admin(bootstrap) as admin:
        admin.delete_topics([RATE_CELLS])
        wait_until("it is gone", lambda: RATE_CELLS not in admin.list_topics())
    province.put("unpublished.csv", range(150, 152))
    prometheus.ring("CellsUnpublished", beside=["TrustFallen"])
    province.up.run("topics", "apply")
    prometheus.fall_silent()


def test_a_certificate_that_ends_soon_rings(
    province: Province, prometheus: Prometheus, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path).issue("client", days=9)
    configuration = Path(province.up.environment["LGSP_CONFIG"])
    before = configuration.read_text()
    files = f"national_cert_file: {certificate}\nnational_key_file: {key}\n"
    configuration.write_text(before.replace("http://", "https://") + files)
    province.up.kill("worker", "national-sync")
    # The portal speaks no TLS, so it is away, too.
    prometheus.ring("CertificateEnds", beside=["ProcessDown", "NationalPortalAway", "NotReady"])
    configuration.write_text(before)
    province.up.kill("worker", "national-sync")
    prometheus.fall_silent()


def test_what_the_national_portal_does_not_keep_rings(
    province: Province, prometheus: Prometheus
) -> None:
    province.write("kept.csv", [Row(140, finished="", status=_OPEN)])
    wait_until("it is there", province.drained, 120)
    province.start_national(_KEEPS_NOT)
    province.write("not-kept.csv", [Row(140)])
    prometheus.ring("NationalNotKept", beside=_STARTS)  # for a day: the last of the tests
    province.start_national()
    wait_until("it was sent again", province.drained, 120)


@contextmanager
def _filled(filler: Path, leave: float) -> Iterator[None]:
    room = shutil.disk_usage(filler.parent)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, int(room.free - leave * room.total))
    try:
        yield
    finally:
        filler.unlink()
