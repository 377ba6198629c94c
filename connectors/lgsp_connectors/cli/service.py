"""One connector as a process: producer, sealing, signals, health, the runner."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext

import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.exposed import Shown
from lgsp.runtime.health import serve_health
from lgsp.runtime.heartbeat import Heartbeat
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage, open_letters
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.ending import LastResort
from lgsp.runtime.stopping.signals import stop_on_signal
from lgsp_connectors.kit.contract import Page
from lgsp_connectors.kit.lease import Lease
from lgsp_connectors.kit.log import LogCheckpoints, LogSink
from lgsp_connectors.kit.memory.filing import SealedPersons
from lgsp_connectors.kit.memory.known import Known, Restated
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.memory.sent import Sent
from lgsp_connectors.kit.memory.state import state_file
from lgsp_connectors.kit.registry import ConfiguredConnector
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.status import Speaker
from lgsp_connectors.kit.status_log import StatusLog

_log = structlog.get_logger()
_STOP_WITHIN = 15.0  # seconds; what is not on the log by then is read again
_PORTS_BEFORE = 2  # rates and national sync have the first two metrics ports

OnPage = Callable[[Page, Report], None]


def run_connector(
    configured: ConfiguredConnector,
    settings: Settings,
    *,
    once: bool,
    backfill: bool = False,
    since: int | None = None,
    take_over: bool = False,
    new_log: bool = False,
    port: int | None = None,
    on_page: OnPage | None = None,
    on_ready: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run a connector against the log of the settings, until caught up or SIGTERM / Ctrl-C.

    From the signal on the process has fifteen seconds to end; then it exits with code 1.

    Args:
        configured: the validated YAML.
        settings: broker, keys, ports, state.
        once: end when caught up; else poll on, with health and metrics served.
        backfill: use a checkpoint of its own, forgotten when the backfill is done.
        since: where a backfill starts (ms UTC); None: everything.
        take_over: go on where another connector or YAML of this portal id stood.
        new_log: read all anew where the checkpoint is of another log.
        port: of health and metrics; None: after the workers' ports.
        on_page: called with each page.
        on_ready: called with the URL of its health, once it is served (not with `once`).

    Raises:
        ConfigurationError: the YAML, the settings or the port are wrong, or another YAML has read
            this portal id, or the checkpoint is of another log.
        FatalError: see Runner.run; another process reads the portal now.
    """
    sealer = load_or_create(key_file(settings))
    connector = configured.build(now_ms, sealer.seal)
    key = portal = configured.head.portal
    config = configured.document.path
    if backfill:
        key = f"{key}/backfill/{'all' if since is None else since}"
    with ExitStack() as opened:
        try:
            lease = opened.enter_context(Lease(settings.bootstrap, key, config))
            producer = opened.enter_context(closing(make_producer(settings.bootstrap)))
        except RetryableError as error:
            raise FatalError(str(error)) from error
        # A backfill states everything once more: it may be what a log has lost.
        memory = None if backfill else state_file(settings.data, key, "sent")
        sent = opened.enter_context(closing(Sent(memory)))
        known: Known = KnownFile(state_file(settings.data, portal, "known"))
        if backfill:
            known = Restated(known)
        opened.enter_context(closing(known))
        opened_letters = open_letters(settings.bootstrap)
        checkpoints = LogCheckpoints(
            producer,
            settings.bootstrap,
            now_ms,
            settings.data,
            by=f"connector {connector.name} with {config.name}",
            take_over=take_over,
            new_log=new_log or backfill,
        )
        opened.enter_context(closing(checkpoints))
        status = opened.enter_context(StatusLog(settings.bootstrap))
        speaker = Speaker(
            key, now_ms, status.publish, configured.head.run, status.before(key), once=once
        )

        async def work() -> Report:
            async with BulkProducer(settings.bootstrap, DOSSIER_EVENTS) as events:
                runner = Runner(
                    connector,
                    LogSink(events, DeadLetters(settings, producer), portal, opened_letters),
                    checkpoints,
                    key=key,
                    settings=configured.head.run,
                    sent=sent,
                    known=known,
                    persons=SealedPersons(sealer),
                    yaml=configured.fingerprint(),
                    speaker=speaker,
                    on_page=on_page,
                )
                with (
                    nullcontext() if once else _health(settings, port, portal, runner, on_ready),
                    stop_on_signal(LastResort(), _STOP_WITHIN) as stop,
                    speaker,
                ):
                    report = await lease.during(
                        runner.run(once=once, since=since, stop=stop), stop
                    )
                if backfill and runner.caught_up:
                    checkpoints.forget(key)
                    status.publish(key, None)
                return report

        try:
            return asyncio.run(work())
        except RetryableError as error:
            raise FatalError(str(error)) from error


@contextmanager
def _health(
    settings: Settings,
    port: int | None,
    portal: str,
    runner: Runner,
    on_ready: Callable[[str], None],
) -> Iterator[None]:
    beat = Heartbeat()
    health = serve_health(
        settings.metrics_host,
        settings.metrics_port + _PORTS_BEFORE if port is None else port,
        lambda: {"first_page": runner.report.pages > 0},
        beat.checks,
        Shown(("connector",), stage=Stage.CONNECTOR.value, portal=portal),
    )
    beating = asyncio.create_task(beat.run(), name="heartbeat")
    _log.info("serving_health", port=health.port)
    on_ready(f"http://{settings.metrics_host}:{health.port}/readyz")
    try:
        yield
    finally:
        beating.cancel()
        health.close()
