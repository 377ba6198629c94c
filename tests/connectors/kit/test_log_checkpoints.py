"""Checkpoints on a real log: of any size, in one turn with the file that holds a large one."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lgsp.domain.errors import FatalError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.client import EventProducer, latest_by_key, make_producer
from lgsp.runtime.kafka.topics import CHECKPOINTS
from lgsp_connectors.kit.log import LogCheckpoints

pytestmark = pytest.mark.kafka

MANY = {f"inbox/{i:06d}.csv": "done:1:" + "9" * 100 for i in range(20_000)}


@pytest.fixture(scope="module")
def producer(broker: str) -> Iterator[EventProducer]:
    made = make_producer(broker)
    yield made
    made.close()


@pytest.fixture
def key() -> str:
    return f"p-{uuid.uuid4().hex[:8]}"


@contextmanager
def opened(broker: str, producer: EventProducer, data: Path) -> Iterator[LogCheckpoints]:
    checkpoints = LogCheckpoints(producer, broker, now_ms, data)
    try:
        yield checkpoints
    finally:
        checkpoints.close()


@pytest.mark.parametrize("cursor", [{"a": "1"}, MANY | {"~sent": "x/1"}])
def test_a_cursor_of_any_size_is_given_back(
    broker: str, producer: EventProducer, key: str, tmp_path: Path, cursor: dict[str, str]
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) is None
        checkpoints.store(key, cursor | {"b": "0"})
        checkpoints.store(key, cursor)
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) == cursor
        checkpoints.forget(key)
        assert checkpoints.load(key) is None


def test_a_large_cursor_is_small_on_the_log(
    broker: str, producer: EventProducer, key: str, tmp_path: Path
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        checkpoints.store(key, MANY)
    assert len(latest_by_key(broker, CHECKPOINTS)[key.encode()]) < 200


def test_what_dies_between_file_and_log_is_taken_back(
    broker: str, producer: EventProducer, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(broker, producer, tmp_path) as checkpoints:
        checkpoints.store(key, MANY)
        monkeypatch.setattr(producer, "send", _fail)
        with pytest.raises(FatalError):
            checkpoints.store(key, MANY | {"inbox/000000.csv": "another"})
    monkeypatch.undo()
    with opened(broker, producer, tmp_path) as checkpoints:
        assert checkpoints.load(key) == MANY


def test_a_lost_file_leaves_what_is_the_kits_own(
    broker: str, producer: EventProducer, key: str, tmp_path: Path
) -> None:
    with opened(broker, producer, tmp_path / "a") as checkpoints:
        checkpoints.store(key, MANY | {"~sent": "x/1"})
    shutil.rmtree(tmp_path / "a")
    with opened(broker, producer, tmp_path / "a") as checkpoints:
        assert checkpoints.load(key) == {"~sent": "x/1"}


def _fail(*_: object) -> None:
    raise FatalError("the broker refuses")
