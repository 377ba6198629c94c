"""The data folder of `lgsp up`: one at a time, and only what is ours is ever deleted."""

import errno
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lgsp.cli.services import up
from lgsp.cli.services.stack import Stack
from lgsp.cli.services.up import claim
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime import disk
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.settings import Settings
from lgsp.runtime.supervision.supervisor import Supervisor


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.mark.parametrize("fresh", [True, False])
def test_a_second_one_on_the_same_folder_is_refused_and_deletes_nothing(
    settings: Settings, *, fresh: bool
) -> None:
    with claim(settings, fresh=False):
        (settings.data / "rates.db").touch()
        with pytest.raises(ConfigurationError, match="runs already on"):
            claim(settings, fresh=fresh)
    assert (settings.data / "rates.db").exists()
    claim(settings, fresh=fresh).close()


def test_fresh_empties_our_folder_and_no_other(settings: Settings) -> None:
    claim(settings, fresh=True).close()
    (settings.data / "broker").mkdir()
    (settings.data / "broker" / "log").touch()
    claim(settings, fresh=True).close()
    assert ["lgsp-data"] == [path.name for path in settings.data.iterdir()]

    (settings.data / "lgsp-data").unlink()
    (settings.data / "letter.txt").touch()
    with pytest.raises(ConfigurationError, match="not deleted"):
        claim(settings, fresh=True)
    assert (settings.data / "letter.txt").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"LGSP_DATA=.*file/data: Not a directory"):
        claim(Settings(data=tmp_path / "file" / "data"), fresh=False)


def full_disk(*_arguments: object, **_more: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_no_fault_of_configuration(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "_hold", full_disk)
    monkeypatch.setattr(disk, "_left", lambda _path: 0)
    with pytest.raises(FatalError, match=f"{settings.data}: No space left on device: .*LGSP_DATA"):
        claim(settings, fresh=False)


def test_a_broker_that_a_full_disk_keeps_down_is_started_once_there_is_room(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(settings, {})
    started: list[bool] = []
    monkeypatch.setattr(EmbeddedBroker, "alive", lambda _broker: bool(started))
    monkeypatch.setattr(Supervisor, "keep_alive", lambda _supervisor: None)
    monkeypatch.setattr(EmbeddedBroker, "start", full_disk)
    with capture_logs() as logs:
        stack.keep_alive()
        for _ in range(3):
            stack._broker_retry_at = 0
            stack.keep_alive()
    assert [line["event"] for line in logs] == ["broker_died", "broker_not_restarted"]
    monkeypatch.setattr(EmbeddedBroker, "start", lambda _broker, **_more: started.append(True))
    stack._broker_retry_at = 0
    stack.keep_alive()
    assert started


def test_a_log_file_on_a_full_disk_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - its close fails, too
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", full)
        up.tell_ready("http://127.0.0.1:8080/", as_json=False)
    with suppress(OSError):
        full.close()
