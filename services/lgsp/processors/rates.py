"""The rates processor: dossier-events -> dossiers and day cells -> rate-cells."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Engine

from lgsp.domain.errors import RetryableError
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime import metrics
from lgsp.runtime.avro.codec import CELLS
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.exposed import Shown
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.presence import wait_for_broker
from lgsp.runtime.kafka.topics import RATE_CELLS
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.handler import FencedError
from lgsp.runtime.lane.worker import run_worker
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp.runtime.settings import Settings
from lgsp.store.engine import METADATA, open_store
from lgsp.store.guard import StoreGuard
from lgsp.store.presence import probe_store
from lgsp.store.rates.cells import KEY, mark_published
from lgsp.store.rates.clocks import SaidClock
from lgsp.store.rates.fold import LANE
from lgsp.store.rates.folds import make_fold
from lgsp.store.rates.protocol import Fold
from lgsp.store.wal import background_wal_checkpoints

_PUBLISH_AT_ONCE = 5000
_PUBLISH_EVERY = 0.5  # seconds; also how long changes of one cell are gathered
_PUBLISH_CATCHING_UP = 5.0
_WAKE_EVERY = 1.0
_METRICS = Shown(("lane", "rates", "broker", "store", "disk"), stage=Stage.RATES.value)
Cells = Sequence[dict[str, Any]]


def run(settings: Settings) -> int:
    """Run the rates processor until SIGTERM; return the exit code.

    Raises:
        ConfigurationError: the store, the broker or the calendar is set wrongly, or the store is
            of another log.
        FatalError: the store or the log failed; a restart resumes from the last transaction.
    """
    profile = profile_named(settings.profile)
    engine = open_store(settings.rates_store)
    wait_for_broker(settings.bootstrap)
    producer = make_producer(settings.bootstrap)
    guard = StoreGuard(
        engine, LANE, settings.events_topic, settings.bootstrap, settings.session_timeout
    )
    guard.claim()
    letters = DeadLetters(settings, producer)
    fold = make_fold(
        settings,
        engine,
        profile,
        settings.events_topic,
        load_calendar(settings.calendar_file),
        now_ms,
        lambda rejects: letters.write_rejects(Stage.RATES, settings.events_topic, rejects),
    )
    lane = Lane(
        LANE,
        settings.events_topic,
        fold,
        batch_events=settings.replay_events,
        client_id=guard.client_id,
    )
    log = structlog.get_logger().bind(lane=LANE)

    async def publish() -> None:
        async with BulkProducer(settings.bootstrap, RATE_CELLS, waits=True) as bulk:
            while True:
                sent = await publish_changed(
                    fold, engine, lambda cells: _send(bulk, cells, profile)
                )
                # In a long backlog a cell changes again and again: gather its changes.
                if lane.catching_up or sent < _PUBLISH_AT_ONCE:
                    await asyncio.sleep(
                        _PUBLISH_CATCHING_UP if lane.catching_up else _PUBLISH_EVERY
                    )

    async def wake() -> None:
        said = SaidClock(engine, now_ms)
        while True:
            try:
                if said.was_ahead(fold.partitions):
                    log.warning("clock_was_ahead", counted_again=fold.wake_early())
                said.say(fold.partitions)
                woken = fold.wake()
            except FencedError as fenced:
                log.warning("wake_fenced", partitions=sorted(fenced.partitions))
                for partition in fenced.partitions:
                    await lane.read_again(partition)  # from where the other worker has left it
                woken = 0
            metrics.WAKEUPS.inc(woken)
            await asyncio.sleep(0 if woken else _WAKE_EVERY)

    try:
        with (
            guard.explaining(),
            background_wal_checkpoints(engine, lambda: lane.catching_up),
        ):
            return run_worker(
                settings,
                lane,
                [publish, wake, guard.watch],
                settings.metrics_port,
                shown=_METRICS,
                probe=partial(probe_store, engine, METADATA),
            )
    finally:
        engine.dispose()
        producer.close()


async def publish_changed(
    fold: Fold, engine: Engine, send: Callable[[Cells], Awaitable[None]]
) -> int:
    """Send cells that have changed and mark them as published once `send` has returned.

    Returns:
        How many were sent; when `send` fails they stay changed and are sent again.
    """
    cells = fold.cells.take_dirty(engine, fold.partitions, _PUBLISH_AT_ONCE)
    metrics.CELLS_PENDING.set(len(cells))
    if cells:
        await send(cells)
        mark_published(engine, cells)
        metrics.CELLS_PUBLISHED.inc(len(cells))
    return len(cells)


def cell_message(cell: dict[str, object], profile: Profile) -> tuple[bytes, bytes]:
    """Return key and value of a cell, counted by the profile, for the topic rate-cells."""
    key = "|".join(str(cell[name]) for name in KEY).encode()
    return key, CELLS.encode({**cell, "profile": profile.label})


async def _send(bulk: BulkProducer, cells: Cells, profile: Profile) -> None:
    tried = 0
    while True:
        for cell in cells:
            bulk.add(*cell_message(cell, profile))
        try:
            return await bulk.flush()
        except RetryableError as error:  # absolute values: sending them again is harmless
            if not tried:
                structlog.get_logger().warning("cells_not_published", error=str(error))
            tried += 1
            await asyncio.sleep(_PUBLISH_EVERY)
