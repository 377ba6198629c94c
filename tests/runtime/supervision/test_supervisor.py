"""The supervisor restarts what has died, and what lives and does not work."""

import errno
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.waiting import wait_until

from lgsp.runtime.supervision.supervisor import Service, Supervisor

OBEDIENT = "import time; print('up', flush=True); time.sleep(1000)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + OBEDIENT
STEP = 1.0


class Site:
    """Real processes that do nothing, a clock, and what each one's /healthz says."""

    def __init__(self, folder: Path, **scripts: str) -> None:
        self.now = 1000.0
        self.sick: set[str] = set()
        self.folder = folder
        self.services = {
            name: Service(name=name, arguments=["-c", script], url=f"http://{name}")
            for name, script in scripts.items()
        }
        self.supervisor = Supervisor(
            services=list(self.services.values()),
            command=[sys.executable],
            log_dir=folder,
            clock=lambda: self.now,
            answers=lambda url: url.removeprefix("http://").split("/")[0] not in self.sick,
        )

    def start(self) -> None:
        self.supervisor.start(60)
        for name in self.services:
            wait_until(f"{name} is up", lambda n=name: self.starts(n) == 1)  # type: ignore[misc]

    def starts(self, name: str) -> int:
        return (self.folder / f"{name}.log").read_text().count("up")

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.supervisor.keep_alive()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        process = self.services[name].process
        assert process is not None
        return process

    def until_told_to_end(self, name: str) -> float:
        """Let time pass until the service is told to end; return how long it took."""
        began = self.now
        while self.services[name].kill_at == inf:
            assert self.now - began < 600
            self.pass_time(STEP)
        return self.now - began


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, rates=OBEDIENT, deaf=DEAF)
    made.start()
    try:
        yield made
    finally:
        for service in made.services.values():
            if service.process is not None:
                service.process.kill()
                service.process.wait()


def test_what_is_unhealthy_for_half_a_minute_is_ended_and_started_anew(site: Site) -> None:
    rates, deaf = site.process("rates"), site.process("deaf")
    site.pass_time(60)
    site.sick.add("rates")
    assert 30 <= site.until_told_to_end("rates") <= 36

    assert rates.wait(30) == -signal.SIGTERM
    site.sick.clear()
    site.pass_time(3)
    assert site.process("rates") is not rates
    assert site.services["rates"].alive
    assert site.process("deaf") is deaf


def test_a_short_trouble_is_no_reason_and_does_not_add_up(site: Site) -> None:
    rates = site.process("rates")
    site.pass_time(5)
    for _ in range(5):
        site.sick.add("rates")
        site.pass_time(25)
        site.sick.clear()
        site.pass_time(5)
    assert site.process("rates") is rates
    assert site.services["rates"].kill_at == inf


def test_what_does_not_end_is_killed_after_its_bound(site: Site) -> None:
    deaf = site.process("deaf")
    site.sick.add("deaf")
    site.until_told_to_end("deaf")
    site.pass_time(19)
    assert deaf.poll() is None

    site.pass_time(1)
    assert deaf.wait(30) == -signal.SIGKILL
    site.sick.clear()
    site.pass_time(3)
    assert site.services["deaf"].alive


def test_the_others_are_kept_alive_while_one_ends(site: Site) -> None:
    rates = site.process("rates")
    site.sick.add("deaf")
    site.until_told_to_end("deaf")
    rates.kill()
    rates.wait(30)
    site.pass_time(2)
    assert site.process("rates") is not rates


def test_a_new_process_has_time_to_answer(site: Site) -> None:
    site.sick.add("rates")  # from the first moment
    assert 60 <= site.until_told_to_end("rates") <= 66


def test_two_looks_far_apart_do_not_condemn(site: Site) -> None:
    """The supervisor itself may have been held up, by a broker that it started again."""
    site.pass_time(5)
    site.sick.add("rates")
    site.pass_time(2)
    assert site.services["rates"].unhealthy_since == site.now - 1
    site.now += 100
    for _ in site.services:  # it looks at one a time
        site.supervisor.keep_alive()
    assert site.services["rates"].unhealthy_looks == 2
    assert site.services["rates"].kill_at == inf


def test_each_change_is_one_line(site: Site) -> None:
    with capture_logs() as lines:
        site.pass_time(30)
        site.sick.add("rates")
        site.pass_time(20)
        site.sick.clear()
        site.pass_time(20)
        site.sick.add("rates")
        site.until_told_to_end("rates")
        site.process("rates").wait(30)
        site.sick.clear()
        site.pass_time(30)

    assert [line["event"] for line in lines] == [
        "service_unhealthy",
        "service_healthy",
        "service_unhealthy",
        "service_told_to_end",
        "service_died",
        "service_restarted",
    ]
    assert {line["name"] for line in lines} == {"rates"}


def test_stopping_kills_what_does_not_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgsp.runtime.supervision.supervisor._STOP_WITHIN", 0.2)
    site.supervisor.stop()
    assert site.process("deaf").wait(30) == -signal.SIGKILL
    assert site.process("rates").wait(30) == -signal.SIGTERM


def test_all_together_have_one_bound_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgsp.runtime.supervision.supervisor._STOP_WITHIN", 1.0)
    deaf = Site(tmp_path, **{f"deaf{number}": DEAF for number in range(4)})
    deaf.start()
    began = time.monotonic()
    deaf.supervisor.stop()
    assert time.monotonic() - began < 3
    assert [deaf.process(name).returncode for name in deaf.services] == [-signal.SIGKILL] * 4


def test_what_cannot_be_started_now_is_started_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.process("rates").kill()
    site.process("rates").wait(30)

    def full(*_arguments: object) -> subprocess.Popen[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    with capture_logs() as lines, monkeypatch.context() as patched:
        patched.setattr(Supervisor, "_popen", staticmethod(full))
        site.pass_time(3)
    assert [line["event"] for line in lines] == ["service_died", "service_not_started"]
    site.pass_time(10)
    assert site.services["rates"].alive
