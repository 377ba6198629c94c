"""The rates processor: dossier-events -> dossiers and day cells -> rate-cells."""

import asyncio
from collections.abc import Sequence

import structlog

from lgsp.domain.rates import PROFILE, PROFILE_VERSION
from lgsp.runtime import metrics
from lgsp.runtime.calendar import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.codec import CELLS
from lgsp.runtime.dead_letters import DeadLetters, Stage
from lgsp.runtime.kafka import EventProducer, make_producer
from lgsp.runtime.lane import FencedError, Lane
from lgsp.runtime.settings import Settings
from lgsp.runtime.topics import DOSSIER_EVENTS, RATE_CELLS
from lgsp.runtime.worker import run_worker
from lgsp.store.cells import KEY, mark_published, take_dirty
from lgsp.store.engine import open_store
from lgsp.store.fold import LANE, RatesFold

_PUBLISH_AT_ONCE = 5000
_PUBLISH_EVERY = 0.5  # seconds; also how long changes of one cell are gathered
_WAKE_EVERY = 1.0
_LABEL = f"{PROFILE}/{PROFILE_VERSION}"


def run(settings: Settings) -> int:
    """Run the rates processor until SIGTERM; return the exit code.

    Raises:
        ConfigurationError: the store, the broker or the calendar is set wrongly.
        FatalError: the store or the log failed; a restart resumes from the last transaction.
    """
    engine = open_store(settings.rates_store)
    producer = make_producer(settings.bootstrap)
    # One for the loop, one for the publishing thread: a producer is for one of them.
    letters_producer = make_producer(settings.bootstrap)
    letters = DeadLetters(settings, letters_producer)
    fold = RatesFold(
        engine,
        DOSSIER_EVENTS,
        load_calendar(settings.calendar_file),
        now_ms,
        lambda rejects: letters.park_rejects(Stage.RATES, DOSSIER_EVENTS, rejects),
    )
    lane = Lane(LANE, DOSSIER_EVENTS, fold, batch_events=settings.batch_events)
    log = structlog.get_logger().bind(lane=LANE)

    async def publish() -> None:
        while True:
            cells = take_dirty(engine, fold.partitions, _PUBLISH_AT_ONCE)
            metrics.CELLS_PENDING.set(len(cells))
            if cells:
                await asyncio.to_thread(_send, producer, cells)
                mark_published(engine, cells)
                metrics.CELLS_PUBLISHED.inc(len(cells))
            if len(cells) < _PUBLISH_AT_ONCE:
                await asyncio.sleep(_PUBLISH_EVERY)

    async def wake() -> None:
        while True:
            try:
                woken = fold.wake()
            except FencedError as fenced:
                log.warning("wake_fenced", partitions=sorted(fenced.partitions))
                woken = 0
            metrics.WAKEUPS.inc(woken)
            await asyncio.sleep(0 if woken else _WAKE_EVERY)

    try:
        return run_worker(settings, lane, [publish, wake], settings.metrics_port)
    finally:
        engine.dispose()
        producer.close()
        letters_producer.close()


def cell_message(cell: dict[str, object]) -> tuple[bytes, bytes]:
    """Return key and value of a cell for the topic rate-cells."""
    key = "|".join(str(cell[name]) for name in KEY).encode()
    return key, CELLS.encode({**cell, "profile": _LABEL})


def _send(producer: EventProducer, cells: Sequence[dict[str, object]]) -> None:
    for cell in cells:
        producer.send(RATE_CELLS, *cell_message(cell))
    producer.flush()
