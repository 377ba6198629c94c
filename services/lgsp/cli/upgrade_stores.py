"""How `lgsp upgrade` fills a new store of the rates and a new one of the sync, and proves them."""

import asyncio

from sqlalchemy import Connection, Engine, inspect

from lgsp.cli.rebuild import rebuild_store
from lgsp.domain.errors import FatalError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.log_identity import read_log
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.identity import bind_log, check_ends, check_log
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
            log = read_log(settings.bootstrap, DOSSIER_EVENTS)
            check_log(before, LANE, log, settings.bootstrap)
            positions = _positions(before)
            ends = end_offsets(settings.bootstrap, DOSSIER_EVENTS)
            check_ends(positions, ends, DOSSIER_EVENTS, settings.bootstrap)
            with new.begin() as connection:
                bind_log(connection, LANE, log, settings.bootstrap)
            asyncio.run(_fold(settings, new, positions))
            with new.begin() as connection:
                carried = carry_over(before, tables, connection)
        return {"carried": carried, "events": sum(positions.values())}
    finally:
        new.dispose()


async def _fold(settings: Settings, into: Engine, ends: dict[int, int]) -> None:
    calendar = load_calendar(settings.calendar_file)
    # Their dead letters have been written when the old store read them.
    queue = SyncQueue(into, DOSSIER_EVENTS, calendar, now_ms, lambda _: None)
    for partition in ends:
        queue.open_partition(partition)
    read = read_batches(settings.bootstrap, DOSSIER_EVENTS, ends, settings.batch_events)
    async for batch in read:
        await asyncio.to_thread(queue.fold, [batch])


def _positions(connection: Connection) -> dict[int, int]:
    if not inspect(connection).has_table(OFFSETS.name):
        return {}
    return stored_offsets(connection, LANE, DOSSIER_EVENTS)
