import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ports import free_port_pair
from tests.waiting import read_line

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.client import make_producer, read_topic
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.settings import Settings, load_settings
from lgsp.runtime.supervision.process import ForeignProcess

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("broker"), pytest.mark.timeout(300)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path, broker="", broker_port=free_port_pair())


def test_keeps_every_acknowledged_record_over_kill_9_and_a_change_of_port(
    settings: Settings,
) -> None:
    with EmbeddedBroker(settings) as first:
        with open_admin(first.bootstrap) as admin:
            admin.create_topics({"t": {"num_partitions": 2}}, wait_for_metadata=True)
        producer = make_producer(first.bootstrap)
        for n in range(20_000):
            producer.send("t", b"%d" % n, b"value %d" % n)
        producer.flush()
        producer.close()  # kafka-python leaves the sockets of refused connections unclosed
        pid = first.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        first.wait(10)
        assert not first.status().running
        first.start()
        assert 20_000 == sum(1 for _ in read_topic(first.bootstrap, "t"))

    moved = EmbeddedBroker(settings.model_copy(update={"broker_port": free_port_pair()}))
    with moved:
        assert 20_000 == sum(1 for _ in read_topic(moved.bootstrap, "t"))


def test_a_folder_may_have_any_letters_whatever_the_locale(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    data = settings.data / "dữ liệu, a\\u0062"
    broker = EmbeddedBroker(settings.model_copy(update={"data": data}))
    with broker, open_admin(broker.bootstrap) as admin:
        admin.create_topics({"t": {"num_partitions": 1}}, wait_for_metadata=True)
        assert EmbeddedBroker(settings.model_copy(update={"data": data})).status().running
    assert (data / "broker" / "data" / "t-0").is_dir()
    assert [data.name] == [path.name for path in settings.data.iterdir()]


def test_a_detached_one_is_found_and_stopped_by_another_object(settings: Settings) -> None:
    first = EmbeddedBroker(settings)
    first.start(detached=True)
    other = EmbeddedBroker(settings)
    status = other.status()
    elsewhere = EmbeddedBroker(settings.model_copy(update={"data": settings.data / "other"}))

    with pytest.raises(ConfigurationError, match=f"already runs.*pid {status.pid}"):
        other.start()
    taken = rf"127.0.0.1:{settings.broker_port}: process {status.pid} \(java\).*LGSP_BROKER_PORT"
    with pytest.raises(ConfigurationError, match=taken):
        elsewhere.start()
    assert (True, settings.broker_port) == (status.running, status.port)
    assert other.stop()
    assert not first.alive()
    assert not other.status().running
    assert not other.stop()


def test_dies_with_the_process_that_started_it(settings: Settings) -> None:
    program = (
        "import sys; from lgsp.runtime.broker.embedded import EmbeddedBroker;"
        "from lgsp.runtime.settings import load_settings;"
        "EmbeddedBroker(load_settings()).start(); print('up', flush=True); sys.stdin.read()"
    )
    environment = os.environ | {
        "LGSP_DATA": str(settings.data),
        "LGSP_BROKER_PORT": str(settings.broker_port),
    }
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        read_line(parent, parent.stdout, "the broker is up", lambda line: line == "up\n", 120)
        pid = EmbeddedBroker(settings).status().pid
        assert pid is not None
        with ForeignProcess(pid) as java:
            parent.kill()
            assert java.wait(60)
    assert not EmbeddedBroker(settings).alive()


def test_a_stale_pid_of_another_program_is_left_alone(settings: Settings) -> None:
    home = settings.data / "broker"
    home.mkdir()
    (home / "broker.json").write_text(f'{{"pid": {os.getpid()}, "port": 1}}')

    assert not EmbeddedBroker(settings).status().running
    assert not EmbeddedBroker(settings).stop()


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.broker_port + 1))
        taken.listen()

        holder = f"controller on 127.0.0.1:{settings.broker_port + 1}: process {os.getpid()} "
        with pytest.raises(ConfigurationError, match=holder):
            EmbeddedBroker(settings).start()
