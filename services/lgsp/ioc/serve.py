"""Runs the feed: one process, read-only on the store, gone within seconds of SIGTERM."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from lgsp.domain.profiles.registry import profile_named
from lgsp.ioc.backlog import Backlog
from lgsp.ioc.feed import make_app
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.ports import port_refused
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures

_GRACE = 2  # seconds that answers under way have when we stop


class FeedServer(uvicorn.Server):
    """Ends the open streams when told to stop, which would otherwise keep us up."""

    def __init__(self, app: FastAPI, end_streams: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._end_streams = end_streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in good order; a second signal stops at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._end_streams()


def run(settings: Settings, on_ready: Callable[[str], None] = lambda _: None) -> int:
    """Serve the feed until SIGTERM or SIGINT; return the exit code. Port 0: any free one.

    Args:
        settings: address, store, calendar.
        on_ready: told the URL when the port is open and the store is.

    Raises:
        ConfigurationError: the port is taken, or the store or the calendar is set wrongly.
    """
    log = structlog.get_logger()
    try:
        listener = socket.create_server((settings.feed_host, settings.feed_port))
    except OSError as error:
        host, port = settings.feed_host, settings.feed_port
        raise port_refused(
            "the feed", host, port, error, "LGSP_FEED_HOST, LGSP_FEED_PORT"
        ) from error
    engine = open_store(settings.rates_store, read_only=True)
    backlog = Backlog(settings.bootstrap, engine)
    calendar, profile = load_calendar(settings.calendar_file), profile_named(settings.profile)
    figures = Figures(
        engine, profile, calendar, now_ms, backlog=backlog, problems=lambda: backlog.problems
    )
    app, end_streams = make_app(figures, now_ms)
    url = f"http://{settings.feed_host}:{listener.getsockname()[1]}"
    log.info("feed_ready", url=url)
    on_ready(url)
    try:
        asyncio.run(FeedServer(app, end_streams).serve([listener]))
    finally:
        backlog.close()
        listener.close()
        engine.dispose()
    log.info("feed_stopped")
    return 0
