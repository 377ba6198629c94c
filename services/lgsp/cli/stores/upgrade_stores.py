"""How `lgsp upgrade` fills a new store of the rates and a new one of the sync, and proves them."""

import asyncio
from typing import NamedTuple

from sqlalchemy import Connection, Engine, inspect

from lgsp.cli.stores.rebuild import rebuild_store
from lgsp.domain.errors import FatalError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.client import end_offsets, read_topic
from lgsp.runtime.kafka.log_identity import LogIdentity, read_log
from lgsp.runtime.kafka.succession import read_successions
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.identity import bind_log, check_ends, check_log, counted_log
from lgsp.store.offsets import stored_offsets
from lgsp.store.rates.recount import count_differing
from lgsp.store.sync.carry import carry_over, old_tables
from lgsp.store.sync.queue import LANE, SyncQueue
from lgsp.store.tables import OFFSETS


def upgraded_rates(settings: Settings, into: str) -> dict[str, object]:
    """Fold the log into the new store; prove its cells by its dossiers; return what came of it.

    Raises:
        FatalError: the two differ; or as `rebuild_store`.
    """
    report = rebuild_store(settings, into)
    profile, calendar = profile_named(settings.profile), load_calendar(settings.calendar_file)
    engine = open_store(into)
    try:
        with engine.connect() as connection:
            differing = count_differing(connection, profile, calendar, now_ms())
    finally:
        engine.dispose()
    if differing:
        raise FatalError(f"{differing} counts of the new store are not those of its dossiers")
    return report


def upgraded_sync(settings: Settings, old: Engine | None, into: str) -> dict[str, object]:
    """Fill a new queue as far as the old one had read, each dossier in the state it had there.

    Where nothing can be read of the old one (None, or its tables are not there) the new one stays
    empty: the worker reads the whole log, and looks up what the portal has before it sends.

    Raises:
        ConfigurationError: the old one is of another log.
        FatalError: the two do not have the same dossiers.
    """
    new = open_store(into)
    try:
        if old is None:
            return {"carried": 0, "events": 0}
        with old.connect() as before:
            tables = old_tables(before)
            if tables is None:
                return {"carried": 0, "events": 0}
            log = read_log(settings.bootstrap, settings.events_topic)
            read = _as_read(settings, before, log)
            with new.begin() as connection:
                bind_log(connection, LANE, log, settings.bootstrap)
            asyncio.run(_fold(settings, new, read.positions))
            with new.begin() as connection:
                carried = carry_over(before, tables, connection, read.touched)
        return {"carried": carried, "events": sum(read.positions.values())}
    finally:
        new.dispose()


class _Read(NamedTuple):
    """How far the log is to be folded, and which dossiers the old store had not read so far."""

    positions: dict[int, int]
    touched: set[str] | None = None


def _as_read(settings: Settings, old: Connection, log: LogIdentity) -> _Read:
    """Say how far an old store had read: this log, or the one that it goes on after."""
    bootstrap = settings.bootstrap
    counted = counted_log(old, LANE)
    if counted is None or not log.is_another_than(counted):
        check_log(old, LANE, log, bootstrap)
        positions = _positions(old, log.topic)
        check_ends(positions, end_offsets(bootstrap, log.topic), log.topic, bootstrap)
        return _Read(positions)
    for each in read_successions(bootstrap):
        if not (each.before.is_another_than(counted) or each.after.is_another_than(log)):
            stored = _positions(old, counted.topic)
            unread = read_topic(bootstrap, counted.topic, _every(each.before, stored))
            return _Read(each.ends, {(record.key or b"").decode() for record in unread})
    check_log(old, LANE, log, bootstrap)
    raise AssertionError  # it has said that they are two


def _every(log: LogIdentity, stored: dict[int, int]) -> dict[int, int]:
    return dict.fromkeys(range(log.partitions), 0) | stored


async def _fold(settings: Settings, into: Engine, ends: dict[int, int]) -> None:
    calendar = load_calendar(settings.calendar_file)
    # Their dead letters have been written when the old store read them.
    queue = SyncQueue(into, settings.events_topic, calendar, now_ms, lambda _: None)
    for partition in ends:
        queue.open_partition(partition)
    read = read_batches(settings.bootstrap, settings.events_topic, ends, settings.batch_events)
    async for batch in read:
        await asyncio.to_thread(queue.fold, [batch])


def _positions(connection: Connection, topic: str) -> dict[int, int]:
    if not inspect(connection).has_table(OFFSETS.name):
        return {}
    return stored_offsets(connection, LANE, topic)
