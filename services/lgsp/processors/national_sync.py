"""The national sync processor: dossier-events -> sync queue -> the national portal."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import orjson

from lgsp.delivery.evidence.heads import HeadPublisher
from lgsp.delivery.evidence.recorder import Recorder
from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.domain.profiles.registry import profile_named
from lgsp.national.client import NationalClient
from lgsp.national.dispatcher import Dispatcher
from lgsp.national.retries import Retries
from lgsp.national.transport import tls_context
from lgsp.national.witness import NationalWitness
from lgsp.runtime import metrics
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.exposed import Shown
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.presence import wait_for_broker
from lgsp.runtime.kafka.topics import SYNC_RESULTS
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.worker import run_worker
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp.runtime.sealing import Sealer, key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.store.engine import METADATA, open_store
from lgsp.store.evidence.keeping import stored_head
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.evidence.tables import EVIDENCE
from lgsp.store.guard import StoreGuard
from lgsp.store.presence import probe_store
from lgsp.store.rates.dossiers import check_layout
from lgsp.store.sync.listing import summarise
from lgsp.store.sync.queue import LANE, SyncQueue
from lgsp.store.sync.rows import Outgoing
from lgsp.store.sync.tables import QUEUE
from lgsp.store.wal import background_wal_checkpoints

_REPORT_EVERY = 10.0
_GRACE = 1.0  # seconds
_METRICS = Shown(
    ("lane", "sync", "national", "evidence", "broker", "store", "disk"),
    stage=Stage.NATIONAL_SYNC.value,
)


def run(settings: Settings) -> int:
    """Run the sync until SIGTERM; return the exit code. Health on the second metrics port.

    Raises:
        ConfigurationError: the store, the broker, the keys, the calendar or the way to the portal
            is set wrongly, or the store is of another log.
        FatalError: the store or the log failed; a restart resumes from the last transaction.
    """
    tls_context(settings)  # what is wrong with it is said before anybody waits for a broker
    engine = open_store(settings.sync_store)
    evidence = open_evidence(settings.evidence_store)
    wait_for_broker(settings.bootstrap)
    letters_producer = make_producer(settings.bootstrap)
    guard = StoreGuard(
        engine, LANE, settings.events_topic, settings.bootstrap, settings.session_timeout
    )
    guard.claim()
    with engine.connect() as connection:
        check_layout(connection, QUEUE)
    letters = DeadLetters(settings, letters_producer)
    sealer = load_or_create(key_file(settings))
    calendar = load_calendar(settings.calendar_file)
    queue = SyncQueue(
        engine,
        settings.events_topic,
        calendar,
        now_ms,
        lambda rejects: letters.write_rejects(Stage.NATIONAL_SYNC, settings.events_topic, rejects),
        lease=settings.session_timeout / 3,
        grace=_GRACE,
    )
    lane = Lane(
        LANE,
        settings.events_topic,
        queue,
        batch_events=settings.batch_events,
        client_id=guard.client_id,
    )

    writer = EvidenceWriter(evidence, now_ms)
    heads = HeadPublisher(settings.bootstrap, partial(stored_head, evidence))
    portal = NationalClient(settings, NationalWitness(Recorder(writer, sealer, now_ms)))

    async def push() -> None:
        # Begun anew after a store was away, it does not know what its last calls came to.
        queue.forget_known()
        async with (
            portal as client,
            BulkProducer(settings.bootstrap, SYNC_RESULTS, waits=True) as results,
        ):
            await Dispatcher(
                queue,
                client,
                profile_named(settings.profile).statuses,
                Retries(settings.national_retry_days, settings.national_retry_longest, calendar),
                lambda blob, code: _person(sealer, blob, code),
                lambda outgoing: _send(results, outgoing),
                now_ms,
                concurrency=settings.national_concurrency,
            ).run()

    async def publish_heads() -> None:
        await heads.run()

    async def report() -> None:
        while True:
            with engine.connect() as connection:
                summary = summarise(connection)
            for state, count in summary.states.items():
                metrics.SYNC_QUEUE.labels(state).set(count)
            oldest = summary.oldest_pending
            metrics.SYNC_OLDEST.set(0 if oldest is None else (now_ms() - oldest) / 1000)
            await asyncio.sleep(_REPORT_EVERY)

    def probe() -> None:
        probe_store(engine, METADATA)
        probe_store(evidence, EVIDENCE)

    try:
        with (
            guard.explaining(),
            background_wal_checkpoints(engine, lambda: lane.catching_up),
            writer,
        ):
            return run_worker(
                settings,
                lane,
                [push, report, guard.watch, publish_heads],
                settings.metrics_port + 1,
                shown=_METRICS,
                probe=probe,
            )
    finally:
        heads.publish_last(letters_producer)
        for each in (engine, evidence):
            each.dispose()
        letters_producer.close()


def _person(sealer: Sealer, blob: bytes, code: str) -> Mapping[str, str]:
    opened = orjson.loads(sealer.open(blob, code))
    return {str(name): str(value) for name, value in opened.items() if value}


async def _send(producer: BulkProducer, results: Sequence[Outgoing]) -> None:
    for result in results:
        producer.add(result.code.encode(), result.value)
    await producer.flush()
