"""A province that is healthy, and a Prometheus with the shipped rules over it.

Times run sixty times as fast; the unit tests of the rules (alerts_test.yml) hold the true ones.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.alarms.prometheus import Prometheus
from tests.chaos.clocks import Clocks
from tests.e2e.province import Province
from tests.waiting import wait_until

FACTOR = 60
_CLOCKS = {"connector": "lgsp_connectors.cli"}
_DISK = "size=2g"


@pytest.fixture(scope="session")
def alarms_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the province has its files."""
    return tmp_path_factory.mktemp("alarms")


@pytest.fixture(scope="session")
def clocks(alarms_folder: Path) -> Clocks:
    """The clock of the province's connector."""
    return Clocks(alarms_folder / "clocks", _CLOCKS)


@pytest.fixture(scope="session")
def small_disk(alarms_folder: Path) -> Iterator[Path | None]:
    """A disk that may be filled; None where this machine lets us mount none."""
    with _mounted(alarms_folder / "disk") as disk:
        yield disk


@pytest.fixture(scope="session")
def province(alarms_folder: Path, clocks: Clocks, small_disk: Path | None) -> Iterator[Province]:
    """The province."""
    province = Province(alarms_folder, (small_disk or alarms_folder) / "data")
    configuration = alarms_folder / "lgsp.yaml"
    url = province.up.environment.pop("LGSP_NATIONAL_URL")
    configuration.write_text(f"national_url: {url}\nnational_read_back: 1\n")
    province.up.environment |= clocks.environment | {"LGSP_CONFIG": str(configuration)}
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


@pytest.fixture(scope="session")
def prometheus(
    province: Province, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Prometheus over the healthy system, which is silent for its "quarter of an hour"."""
    folder = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, province.targets(), FACTOR) as prometheus:
        wait_until("all answer", lambda: prometheus.up() == set(province.targets()))
        assert prometheus.watch(15 * 60) == set()
        yield prometheus


@contextmanager
def _mounted(folder: Path) -> Iterator[Path | None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
