"""Runs the feed: one process, read-only on the store, gone within seconds of SIGTERM."""

import asyncio
from collections.abc import Callable

import structlog
import uvicorn
from fastapi import FastAPI

from lgsp.domain.profiles.registry import profile_named
from lgsp.ioc.cells_check import CellsCheck
from lgsp.ioc.clock_check import ClockCheck
from lgsp.ioc.disk_check import DiskCheck
from lgsp.ioc.feed import make_app
from lgsp.ioc.keeping_check import KeepingCheck
from lgsp.ioc.log_side import Check, LogSide
from lgsp.ioc.store_check import StoreCheck
from lgsp.ioc.trust_metrics import TrustMetrics
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.disk import show_disk
from lgsp.runtime.kafka.presence import Presence
from lgsp.runtime.ports import http_url, listen
from lgsp.runtime.serving.guarded import BoundedServer, guarded
from lgsp.runtime.serving.proxies import Proxies
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.ending import LastResort
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures

_GRACE = 2  # seconds that answers under way have when we stop
_STOP_WITHIN = 10.0  # seconds, whatever hangs: a question to a locked store, for one
_MOST = 512  # connections
_MOST_OF_ONE = 256  # of one client; a proxy that is not named is one


def make_server(
    app: FastAPI,
    end_streams: Callable[[], None],
    last_resort: LastResort | None = None,
    proxies: Proxies | None = None,
) -> BoundedServer:
    """Return the server of the feed's app; told to stop, it ends the streams that are open."""
    proxies = proxies or Proxies()
    config = uvicorn.Config(
        app,
        http=guarded(_MOST, _MOST_OF_ONE, proxies),
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies.names()),
        ws="none",  # nobody speaks it here, and its protocol is bounded by nothing
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    return BoundedServer(config, last_resort=last_resort, within=_STOP_WITHIN, on_stop=end_streams)


def run(settings: Settings, on_ready: Callable[[str], None] = lambda _: None) -> int:
    """Serve the feed until SIGTERM or SIGINT; return the exit code. Port 0: any free one.

    Args:
        settings: address, store, calendar.
        on_ready: told the URL when the port is open and the store is.

    Raises:
        ConfigurationError: the port is taken, or the store or the calendar is set wrongly.
    """
    log = structlog.get_logger()
    host = settings.feed_host
    listener = listen("the feed", host, settings.feed_port, "LGSP_FEED_HOST, LGSP_FEED_PORT")
    engine = open_store(settings.rates_store, read_only=True)
    calendar, profile = load_calendar(settings.calendar_file), profile_named(settings.profile)
    cells = CellsCheck(engine, profile, calendar, now_ms)
    checks: list[Check] = [
        StoreCheck(engine),
        DiskCheck(settings.data, engine),
        ClockCheck(engine, now_ms),
        KeepingCheck(settings.bootstrap, settings.events_topic),
        cells,
    ]
    show_disk(settings.data)
    log_side = LogSide(settings.bootstrap, engine, checks, settings.events_topic, Presence())
    figures = Figures(
        engine,
        profile,
        calendar,
        now_ms,
        log=log_side,
        expected=settings.expected_portals,
    )
    watches = (log_side, cells, TrustMetrics(figures))
    app, end_streams = make_app(figures, now_ms)
    url = http_url(host, listener.getsockname()[1])
    log.info("feed_ready", url=url)
    on_ready(url)
    for watch in watches:
        watch.start()
    try:
        proxies = Proxies(settings.feed_trusted_proxies)
        server = make_server(app, end_streams, LastResort(), proxies)
        asyncio.run(server.serve([listener]))
    finally:
        for watch in watches:
            watch.close()
        listener.close()
        engine.dispose()
    log.info("feed_stopped")
    return 0
