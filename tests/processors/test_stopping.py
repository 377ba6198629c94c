"""A real worker ends when it is began to, also when its broker does not answer any more."""

import os
import signal
import time
from pathlib import Path

import pytest

from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.settings import Settings
from tests.processors.test_rates_gate import PARTITIONS, own_broker  # noqa: F401 - fixture
from tests.processors.workers import Worker
from tests.waiting import wait_until


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_worker_ends_within_its_bound_while_the_broker_hangs(
    own_broker: Settings,  # noqa: F811
    tmp_path: Path,
) -> None:
    environment = {
        "LGSP_BROKER": own_broker.bootstrap,
        "LGSP_STORE": f"sqlite:///{tmp_path / 'rates.db'}",
        "LGSP_DATA": str(tmp_path / "data"),
        "LGSP_LOG_FORMAT": "json",
    }
    worker = Worker("rates", environment, tmp_path / "worker.log")
    broker = EmbeddedBroker(own_broker).status().pid
    assert broker is not None
    worker.start()
    try:
        wait_until("it reads everything", lambda: worker.partitions == PARTITIONS)
        os.kill(broker, signal.SIGSTOP)
        began = time.monotonic()
        assert worker.terminate() == 1
        assert time.monotonic() - began < 15
    finally:
        os.kill(broker, signal.SIGCONT)
        worker.kill()
    log = (tmp_path / "worker.log").read_text()
    assert '"left":["leaving the group"]' in log

    worker.start()
    try:
        wait_until("it reads everything again", lambda: worker.partitions == PARTITIONS)
        assert worker.terminate() == 0
    finally:
        worker.kill()
