"""The broker is away, in between and at the end. Who needs it waits, and says so."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.fold import LANE
from tests.processors.test_rates_gate import PARTITIONS, own_broker  # noqa: F401 - fixture
from tests.processors.workers import Worker
from tests.waiting import wait_until

ROWS = 300
CONFIG = """\
connector: files
portal: away
province: H37
source: {path: "*.csv"}
shape: dossiers
mapping: {dossier_code: Ma, agency: DonVi, received_at: Nhan}
run: {poll_seconds: 0.2}
"""
CONNECT = "from lgsp_connectors.cli import main; main()"


def write_rows(file: Path, first: int) -> None:
    rows = (
        f"H37.12-240705-{i:04d},H37.12,2024-07-05T08:15:00+07:00"
        for i in range(first, first + ROWS)
    )
    file.write_text("\n".join(["Ma,DonVi,Nhan", *rows, ""]))


def events(log: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            found[json.loads(line)["event"]] += 1
    return found


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_who_works_with_the_broker_waits_for_it_and_says_so_once(
    own_broker: Settings,  # noqa: F811
    tmp_path: Path,
) -> None:
    broker = EmbeddedBroker(own_broker)
    environment = {
        "LGSP_BROKER": own_broker.bootstrap,
        "LGSP_STORE": f"sqlite:///{tmp_path / 'rates.db'}",
        "LGSP_DATA": str(tmp_path / "data"),
        "LGSP_LOG_FORMAT": "json",
    }
    logs = [tmp_path / "worker.log", tmp_path / "connector.log"]
    (tmp_path / "c.yaml").write_text(CONFIG)
    write_rows(tmp_path / "a.csv", 0)
    worker = Worker("rates", environment, logs[0])
    worker.start()
    with logs[1].open("wb") as out:
        connector = subprocess.Popen(
            [sys.executable, "-c", CONNECT, "run", str(tmp_path / "c.yaml"), "--port", "0"],
            env=os.environ | environment,
            stdout=out,
            stderr=out,
        )

    def seen(event: str, times: int) -> bool:
        return all(events(log)[event] == times for log in logs)

    def counted() -> int:
        with open_store(environment["LGSP_STORE"], read_only=True).connect() as connection:
            return sum(stored_offsets(connection, LANE, "dossier-events").values())

    try:
        wait_until("it reads", lambda: worker.partitions == PARTITIONS)
        wait_until("all is counted", lambda: counted() == ROWS)
        broker.stop()
        write_rows(tmp_path / "b.csv", ROWS)
        wait_until("both say that it is away", lambda: seen("broker_away", 1))
        assert worker.metric("lgsp_broker_up") == 1  # for half a minute yet
        broker.start()
        wait_until("the rest is counted", lambda: counted() == 2 * ROWS)
        wait_until("both say that it is back", lambda: seen("broker_back", 1))
        broker.stop()
        wait_until("both say that it is away again", lambda: seen("broker_away", 2))
        began = time.monotonic()
        connector.terminate()
        assert worker.terminate() in (0, 1)
        assert connector.wait(30) in (0, 1)
        assert time.monotonic() - began < 20
    finally:
        worker.kill()
        connector.kill()
        connector.wait()
    for log in logs:
        lines = events(log)
        own = {"page_done", "partition_opened", "dossiers_not_synced"}
        assert sum(count for event, count in lines.items() if event not in own) < 40, lines
