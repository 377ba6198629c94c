"""One connector as a process: producer, sealing, signals, health, the runner."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from functools import partial

import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.clock import now_ms
from lgsp.runtime.disk import show_disk
from lgsp.runtime.exposed import Shown
from lgsp.runtime.health import serve_health
from lgsp.runtime.kafka.bulk_write import BulkProducer
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.kafka.ends import EndReader
from lgsp.runtime.kafka.presence import wait_for_broker, watched_broker
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage, open_letters
from lgsp.runtime.ports import http_url
from lgsp.runtime.sealing import Sealer, key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.ending import LastResort
from lgsp.runtime.stopping.signals import stop_on_signal
from lgsp.runtime.supervision.heartbeat import Heartbeat
from lgsp_connectors.kit.contract import Page
from lgsp_connectors.kit.log.lease import Lease
from lgsp_connectors.kit.log.log_sink import LogCheckpoints, LogSink
from lgsp_connectors.kit.log.recall import recall
from lgsp_connectors.kit.log.status_log import StatusLog
from lgsp_connectors.kit.memory.filing import SealedPersons
from lgsp_connectors.kit.memory.known import Known, Restated
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.memory.state import state_file
from lgsp_connectors.kit.registry import ConfiguredConnector
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.status import Speaker

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
    service = _Service(
        configured,
        settings,
        load_or_create(key_file(settings)),
        once=once,
        backfill=backfill,
        since=since,
        take_over=take_over,
        new_log=new_log or backfill,
        on_page=on_page,
    )
    try:
        return asyncio.run(service.run(port, on_ready))
    except RetryableError as error:
        raise FatalError(str(error)) from error


class _Service:
    """One connector from the beginning to the end of its process, whatever the broker does."""

    def __init__(
        self,
        configured: ConfiguredConnector,
        settings: Settings,
        sealer: Sealer,
        *,
        once: bool,
        backfill: bool,
        since: int | None,
        take_over: bool,
        new_log: bool,
        on_page: OnPage | None,
    ) -> None:
        self._configured, self._settings, self._sealer = configured, settings, sealer
        self._once, self._backfill, self._since = once, backfill, since
        self._take_over, self._new_log, self._on_page = take_over, new_log, on_page
        self._portal = self._key = configured.head.portal
        if backfill:
            self._key += f"/backfill/{'all' if since is None else since}"
        self._report = Report()

    async def run(self, port: int | None, on_ready: Callable[[str], None]) -> Report:
        """Read until caught up, or until told to stop; a service waits for a broker that is away.

        Raises:
            RetryableError: the broker is away, and this is no service.
        """
        bootstrap = self._settings.bootstrap
        with ExitStack() as opened:
            stop = opened.enter_context(stop_on_signal(LastResort(), _STOP_WITHIN))
            if self._once:
                return await self._read(stop)
            opened.enter_context(
                _health(self._settings, port, self._portal, self._report, on_ready)
            )
            presence = opened.enter_context(
                watched_broker(bootstrap, EndReader.ask, self._settings.events_topic)
            )
            while not stop.is_set():
                await asyncio.to_thread(wait_for_broker, bootstrap, stop.is_set, presence)
                try:
                    return await self._read(stop)
                except RetryableError as error:
                    presence.silent(str(error))
            return self._report

    async def _read(self, stop: asyncio.Event) -> Report:
        """Read from the stored checkpoint on.

        Raises:
            RetryableError: the broker is away; another call goes on from the checkpoint.
        """
        settings, configured, key = self._settings, self._configured, self._key
        connector = configured.build(now_ms, self._sealer.seal)
        config = configured.document.path
        async with AsyncExitStack() as opened:
            lease = await asyncio.to_thread(Lease, settings.bootstrap, key, config)
            opened.callback(lease.release)
            await asyncio.to_thread(lease.acquire)
            producer = await asyncio.to_thread(make_producer, settings.bootstrap)
            opened.enter_context(closing(producer))
            # A backfill states everything once more: it may be what a log has lost.
            memory = None if self._backfill else state_file(settings.data, key, "rejects")
            standing = opened.enter_context(closing(StandingRejects(memory)))
            known: Known = KnownFile(state_file(settings.data, self._portal, "known"))
            if self._backfill:
                known = Restated(known)
            opened.enter_context(closing(known))
            opened_letters = await asyncio.to_thread(open_letters, settings.bootstrap)
            events = await opened.enter_async_context(
                BulkProducer(settings.bootstrap, settings.events_topic)
            )
            checkpoints = LogCheckpoints(
                producer,
                settings.bootstrap,
                now_ms,
                settings.data,
                by=f"connector {connector.name} with {config.name}",
                take_over=self._take_over,
                new_log=self._new_log,
                topic=settings.events_topic,
                ends=lambda: events.ends,
            )
            opened.enter_context(closing(checkpoints))
            status = opened.enter_context(StatusLog(settings.bootstrap))
            before = await asyncio.to_thread(status.before, key)
            speaker = Speaker(
                key, now_ms, status.publish, configured.head.run, before, once=self._once
            )
            letters = DeadLetters(settings, producer)
            recalled = partial(recall, settings.bootstrap, settings.events_topic, self._portal)
            runner = Runner(
                connector,
                LogSink(events, letters, self._portal, opened_letters),
                checkpoints,
                key=key,
                settings=configured.head.run,
                standing=standing,
                known=known,
                recall=None if self._backfill else recalled,
                persons=SealedPersons(self._sealer),
                yaml=configured.fingerprint(),
                speaker=speaker,
                on_page=self._on_page,
                report=self._report,
            )
            with speaker:
                work = runner.run(once=self._once, since=self._since, stop=stop)
                report = await lease.during(work, stop)
            if self._backfill and runner.caught_up:
                await asyncio.to_thread(checkpoints.forget, key)
                await asyncio.to_thread(status.publish, key, None)
            return report


@contextmanager
def _health(
    settings: Settings,
    port: int | None,
    portal: str,
    report: Report,
    on_ready: Callable[[str], None],
) -> Iterator[None]:
    beat = Heartbeat()
    show_disk(settings.data)
    health = serve_health(
        settings.metrics_host,
        settings.metrics_port + _PORTS_BEFORE if port is None else port,
        lambda: {"first_page": report.pages > 0},
        beat.checks,
        Shown(("connector", "broker", "disk"), stage=Stage.CONNECTOR.value, portal=portal),
    )
    beating = asyncio.create_task(beat.run(), name="heartbeat")
    _log.info("serving_health", port=health.port)
    on_ready(f"{http_url(settings.metrics_host, health.port)}/readyz")
    try:
        yield
    finally:
        beating.cancel()
        health.close()
