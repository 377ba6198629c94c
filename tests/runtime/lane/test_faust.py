"""The lane's consumer as Faust makes it: what reaches the lane, and what is reported to Kafka."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faust.types import TP
from tests.runtime.lane.fakes import TOPIC, FakeConsumer, FakeHandler, records

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.lane.faust import FaustConsumer
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.settings import Settings


@pytest.fixture
def lane() -> Lane:
    return Lane("test", TOPIC, FakeHandler({0: 5}), batch_events=100)


@pytest.fixture
async def consumer(lane: Lane, tmp_path: Path) -> AsyncIterator[FaustConsumer]:
    made = FaustConsumer(Settings(data=tmp_path), lane)
    yield made
    made.app.consumer._thread.thread_loop.close()  # type: ignore[attr-defined]


async def test_what_was_fetched_while_the_flow_is_stopped_reaches_the_lane(
    consumer: FaustConsumer, lane: Lane
) -> None:
    """A fetch may begin before a rebalance and end behind the seek: its records come only once."""
    inner: Any = consumer.app.consumer

    async def fetched(_timeout: float) -> tuple[dict[TP, list[Any]], set[TP]]:
        return {TP(TOPIC, 0): records(5, 6)}, set()

    with patch.multiple(inner, _wait_next_records=fetched, highwater=lambda _tp: 9):
        inner.stop_flow()
        assert [item async for item in inner.getmany(1.0)] == []
        await lane.step(FakeConsumer())

    assert isinstance(lane.handler, FakeHandler)
    assert lane.handler.applied == [(0, [5, 6])]
    assert lane.lag == {0: 2}


async def test_nothing_is_assigned_before_it_has_started(consumer: FaustConsumer) -> None:
    assert consumer.assignment() == frozenset()


async def test_only_this_generations_work_is_reported(consumer: FaustConsumer) -> None:
    inner: Any = consumer.app.consumer
    consumer.acknowledge(consumer.generation - 1, 0, 7)
    assert not list(inner._filter_tps_with_pending_acks())

    consumer.acknowledge(consumer.generation, 0, 8)
    assert list(inner._filter_tps_with_pending_acks()) == [TP(TOPIC, 0)]
    assert inner._new_offset(TP(TOPIC, 0)) == 8
    assert inner._new_offset(TP(TOPIC, 0)) is None  # once


@pytest.mark.parametrize("error", [KafkaConnectionError("away"), IllegalStateError("rebalance")])
async def test_a_question_without_an_answer_can_be_asked_again(
    consumer: FaustConsumer, error: Exception
) -> None:
    async def fail(*_partitions: TP) -> None:
        raise error

    inner: Any = consumer.app.consumer
    with patch.multiple(inner, highwaters=fail, earliest_offsets=fail):
        with pytest.raises(RetryableError, match=f"the ends of {TOPIC} are not known: .*{error}"):
            await consumer.ends([0, 1])
        with pytest.raises(RetryableError, match=f"the beginning of {TOPIC}/0 is not known"):
            await consumer.earliest_offset(0)


async def test_why_faust_crashed_is_told(consumer: FaustConsumer) -> None:
    async def start() -> None:
        await consumer.app.crash(OSError("no room"))

    with (
        patch.object(consumer.app, "start", start),
        pytest.raises(FatalError, match=r"Faust: OSError\('no room'\)"),
    ):
        await consumer.run()


async def test_fausts_watch_of_streams_never_rings(consumer: FaustConsumer) -> None:
    """It would, five minutes after a start without an event: "Stream has not started"."""
    inner: Any = consumer.app.consumer
    with patch.object(inner._thread, "verify_event_path") as asked:
        inner.verify_event_path(1e9, TP(TOPIC, 0))
    assert not asked.called
