"""Store and log belong together: another log, a shorter one, other partitions, another store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import Engine, update

from lgsp.cli.stores import rebuild
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import LOG_BROKEN, Finding, Reason
from lgsp.ioc.log_side import LogSide
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.kafka.log_identity import NoLogError, read_log, read_log_and_members
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.guard import StoreGuard
from lgsp.store.identity import OtherLogError, counted_log
from lgsp.store.offsets import load_position
from lgsp.store.tables import OFFSETS
from tests.conftest import MakeTopic
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

RATES = "rates"
MakeGuard = Callable[..., StoreGuard]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    yield engine
    engine.dispose()


def guard_of(broker: str, engine: Engine, topic: str, lane: str = RATES) -> StoreGuard:
    return StoreGuard(engine, lane, topic, broker, session=0)


def claimed(broker: str, engine: Engine, topic: str) -> StoreGuard:
    guard = guard_of(broker, engine, topic)
    guard.claim()
    guard.look()
    return guard


def delete(broker: str, topic: str) -> None:
    with open_admin(broker) as admin:
        admin.delete_topics([topic])
        wait_until("the topic is gone", lambda: topic not in admin.list_topics())


def make_anew(broker: str, topic: str, partitions: int) -> None:
    delete(broker, topic)
    with open_admin(broker) as admin:
        admin.create_topics({topic: {"num_partitions": partitions}})
        admin.wait_for_topics([topic])


def refused_everywhere(broker: str, guard: StoreGuard, engine: Engine, topic: str) -> set[str]:
    """Give what the running worker, a new one and the feed say; all of them must refuse."""
    with pytest.raises(FatalError) as running:
        guard.look()
    with pytest.raises(OtherLogError) as starting:
        guard_of(broker, engine, topic).claim()
    (problem,) = problems(broker, engine, topic)
    assert problem.reason.value == starting.value.code
    return {str(running.value), str(starting.value), problem.detail}


def problems(broker: str, engine: Engine, topic: str) -> list[Finding]:
    """Give what the feed finds amiss with the log, of which it knows no backlog then."""
    with closing(LogSide(broker, engine, topic=topic)) as side:
        found = side.look()
    assert found.at
    assert found.backlog is None
    return [finding for finding in found.findings if finding.reason in LOG_BROKEN]


def test_a_log_made_anew_is_refused_by_all_with_both_ids(
    broker: str,
    make_topic: MakeTopic,
    store: Engine,
    tmp_path: Path,
) -> None:
    topic = make_topic(partitions=2)
    guard = claimed(broker, store, topic)
    before = read_log(broker, topic)
    make_anew(broker, topic, 2)
    now = read_log(broker, topic)

    assert before.id != now.id
    (message,) = refused_everywhere(broker, guard, store, topic)
    assert f"id {before.id}" in message
    assert f"id {now.id}" in message
    assert "--new-log" in message
    settings = Settings(data=tmp_path, broker=broker, events_topic=topic)
    with pytest.raises(OtherLogError, match="it is another log"):
        rebuild.rebuild_beside(store, SIMPLE, settings, f"sqlite:///{tmp_path}/new.db")


def test_more_partitions_are_refused_by_all_with_both_numbers(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    topic = make_topic(partitions=2)
    guard = claimed(broker, store, topic)
    with open_admin(broker) as admin:
        admin.create_partitions({topic: 3})
        wait_until("they are known", lambda: read_log(broker, topic).partitions == 3)

    (message,) = refused_everywhere(broker, guard, store, topic)
    assert "with 2 partitions" in message
    assert "3 partitions)" in message


def test_a_log_without_its_end_is_no_backlog_of_0(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    topic = make_topic(partitions=2)
    claimed(broker, store, topic)
    with store.begin() as connection:
        load_position(connection, RATES, topic, 1)
        connection.execute(update(OFFSETS).values(next_offset=7))

    with pytest.raises(OtherLogError, match="partition 1 ends at 0 and is counted up to 7"):
        guard_of(broker, store, topic).claim()
    assert [Reason.LOG_IS_SHORTER] == [p.reason for p in problems(broker, store, topic)]


def test_a_log_that_is_gone_is_said(broker: str, make_topic: MakeTopic, store: Engine) -> None:
    topic = make_topic()
    guard = claimed(broker, store, topic)
    delete(broker, topic)

    with pytest.raises(FatalError, match="it was there when this worker started"):
        guard.look()
    with pytest.raises(NoLogError, match="lgsp topics apply"):
        guard_of(broker, store, topic).claim()
    assert [Reason.LOG_IS_MISSING] == [p.reason for p in problems(broker, store, topic)]


def test_a_store_of_before_is_bound_when_its_positions_fit(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    topic = make_topic(partitions=2)
    with store.begin() as connection:
        load_position(connection, RATES, topic, 2)  # of a log with three at least
    with pytest.raises(OtherLogError, match="with at least 3 partitions"):
        guard_of(broker, store, topic).claim()
    with store.begin() as connection:
        connection.execute(update(OFFSETS).values(partition=1))
        assert counted_log(connection, RATES) is None

    guard_of(broker, store, topic).claim()

    with store.connect() as connection:
        assert counted_log(connection, RATES) == read_log(broker, topic)


async def test_another_store_in_the_group_is_refused_and_the_same_one_is_not(
    broker: str, make_topic: MakeTopic, store: Engine, tmp_path: Path
) -> None:
    topic, lane = make_topic(partitions=2), f"lane-{uuid.uuid4().hex[:8]}"
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}")
    ours, theirs = (guard_of(broker, engine, topic, lane) for engine in (store, other))
    for guard in (ours, theirs):
        await asyncio.to_thread(guard.claim)

    async with joined(broker, topic, lane, ours.client_id):
        await asyncio.to_thread(guard_of(broker, store, topic, lane).claim)
        with pytest.raises(ConfigurationError) as refused:
            await asyncio.to_thread(guard_of(broker, other, topic, lane).claim)
        message = str(refused.value)
        assert ours.client_id.rpartition("-")[2] in message
        assert theirs.client_id.rpartition("-")[2] in message
        assert "other.db" in message

        async with joined(broker, topic, lane, theirs.client_id):  # both came at once
            first, second = sorted((ours, theirs), key=lambda guard: guard.client_id)
            await asyncio.to_thread(first.look)
            with pytest.raises(FatalError, match="each would count a part of the log"):
                await asyncio.to_thread(second.look)
    await asyncio.to_thread(guard_of(broker, other, topic, lane).claim)
    other.dispose()


async def test_a_stranger_in_the_group_is_named_and_keeps_nobody_waiting_unheard(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    topic, lane = make_topic(partitions=2), f"lane-{uuid.uuid4().hex[:8]}"
    guard = guard_of(broker, store, topic, lane)
    await asyncio.to_thread(guard.claim)
    said = f"lgsp-{lane} .* no worker of ours: a-tool .*another group"
    async with joined(broker, topic, lane, "a-tool"):
        with pytest.raises(ConfigurationError, match=said):
            await asyncio.to_thread(guard_of(broker, store, topic, lane).claim)
        with pytest.raises(FatalError, match=said):
            await asyncio.to_thread(guard.look)
    await asyncio.to_thread(guard_of(broker, store, topic, lane).claim)


async def test_a_worker_that_its_group_does_not_know_for_long_ends(
    broker: str, make_topic: MakeTopic, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, lane = make_topic(partitions=2), f"lane-{uuid.uuid4().hex[:8]}"
    guard = guard_of(broker, store, topic, lane)
    await asyncio.to_thread(guard.claim)
    monkeypatch.setattr("lgsp.store.guard._ABSENT_AFTER", 0.0)
    async with joined(broker, topic, lane, guard.client_id):
        await asyncio.to_thread(guard.look)
    with pytest.raises(FatalError, match=f"lgsp-{lane} at {broker} has been without this worker"):
        await asyncio.to_thread(guard.look)


@asynccontextmanager
async def joined(broker: str, topic: str, lane: str, client_id: str) -> AsyncIterator[None]:
    """Be a member of the lane's group meanwhile."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker, group_id=f"lgsp-{lane}", client_id=client_id
    )
    await consumer.start()
    try:
        _, members = await asyncio.to_thread(read_log_and_members, broker, topic, f"lgsp-{lane}")
        assert client_id in {member.client_id for member in members}
        yield
    finally:
        await consumer.stop()
