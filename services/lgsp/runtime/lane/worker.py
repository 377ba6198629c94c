"""Runs one processor: a Faust app on a lane, its side tasks, its health server, until SIGTERM."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import faust
import structlog

from lgsp.domain.errors import FatalError
from lgsp.runtime.health import serve_health
from lgsp.runtime.lane.collector import collect_all_now_and_then, collect_young_only
from lgsp.runtime.lane.faust import make_transport
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.watch import LaneWatch
from lgsp.runtime.settings import Settings

SideTask = Callable[[], Awaitable[None]]
_LIVENESS_LIMIT = 30.0  # seconds that the loop may stand still before /healthz says so


def make_app(settings: Settings, lane: Lane) -> faust.App:
    """Return the Faust app of a lane: group `lgsp-<lane>`, no Tables, no web server."""
    data = settings.data / "faust"
    data.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"lgsp-{lane.name}",
        broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
        datadir=data / lane.name,
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.batch_events,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 5,
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_linger_ms=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    app.transport = make_transport(app, lane)
    app.topics.add(app.topic(lane.topic, value_serializer="raw", partitions=settings.partitions))
    return app


def run_worker(settings: Settings, lane: Lane, side_tasks: Sequence[SideTask], port: int) -> int:
    """Run the lane and its side tasks until SIGTERM or SIGINT; return 0 after a clean stop.

    A side task or the lane that raises ends the process: nothing after the last committed
    transaction has happened, and a supervisor's restart resumes from there.

    Raises:
        FatalError: the lane, a side task or Faust failed.
    """
    return asyncio.run(_run(settings, lane, side_tasks, port))


async def _run(settings: Settings, lane: Lane, side_tasks: Sequence[SideTask], port: int) -> int:
    log = structlog.get_logger().bind(lane=lane.name)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    beat = _Heartbeat()
    app = make_app(settings, lane)

    watch = LaneWatch(lane)

    def ready() -> Mapping[str, bool]:
        return {"joined": lane.joined, "moving": lane.moving, "broker": watch.broker_answers}

    collect_young_only()
    health = serve_health(settings.metrics_host, port, ready, beat.checks)
    await app.start()
    tasks = [
        asyncio.create_task(work, name=name)
        for name, work in [
            ("lane", lane.run(app)),
            ("lane watch", watch.run(app)),
            ("heartbeat", beat.run()),
            ("collector", collect_all_now_and_then()),
            ("faust", app.wait_until_stopped()),
            ("stop", stop.wait()),
            *[(task.__name__, _as_coroutine(task)) for task in side_tasks],
        ]
    ]
    log.info("worker_started", port=health.port)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        _raise_failures(done, stopped=stop.is_set())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.stop()
        health.close()
        log.info("worker_stopped")
    return 0


async def _as_coroutine(task: SideTask) -> None:
    await task()


def _raise_failures(done: Iterable[asyncio.Task[Any]], *, stopped: bool) -> None:
    for task in done:
        if error := task.exception():
            raise FatalError(f"{task.get_name()}: {error}") from error
    if not stopped:
        names = ", ".join(sorted(task.get_name() for task in done))
        raise FatalError(f"{names} ended by itself")


class _Heartbeat:
    """Proves from the loop itself that the loop is alive."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    async def run(self) -> None:
        while True:
            self._last = time.monotonic()
            await asyncio.sleep(1)

    def checks(self) -> Mapping[str, bool]:
        return {"loop": time.monotonic() - self._last < _LIVENESS_LIMIT}
