"""Runs one processor: its lane, its side tasks, its health server, until SIGTERM or a failure.

Then it ends, whatever hangs: the tasks have a limit, leaving the group has one, and the process
has one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

import structlog

from lgsp.domain.errors import FatalError
from lgsp.runtime.disk import show_disk
from lgsp.runtime.exposed import Shown
from lgsp.runtime.health import serve_health
from lgsp.runtime.kafka.presence import watched_broker
from lgsp.runtime.lane.collector import collect_all_now_and_then, collect_young_only
from lgsp.runtime.lane.consumer import GroupConsumer
from lgsp.runtime.lane.faust import FaustConsumer
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.lag import LagWatch
from lgsp.runtime.lane.watch import LaneWatch
from lgsp.runtime.settings import Settings
from lgsp.runtime.stopping.ending import LastResort, cancel_tasks
from lgsp.runtime.stopping.signals import stop_on_signal
from lgsp.runtime.store_away import StoreWait
from lgsp.runtime.supervision.heartbeat import Heartbeat

SideTask = Callable[[], Awaitable[None]]
_TASKS_END_WITHIN = 4.0
_LEAVE_WITHIN = 5.0  # the group
_EXIT_WITHIN = 10.0  # the process, from when its tasks are cancelled
_STOP_WITHIN = 15.0  # the process, from SIGTERM: a batch under way holds the loop up


def run_worker(
    settings: Settings,
    lane: Lane,
    side_tasks: Sequence[SideTask],
    port: int,
    last_resort: LastResort | None = None,
    *,
    shown: Shown = Shown(("lane",)),
    probe: Callable[[], None] = lambda: None,
) -> int:
    """Run the lane and its side tasks until SIGTERM or SIGINT; return 0 after a clean stop.

    A side task or the lane that raises ends the process: nothing after the last committed
    transaction has happened, and a supervisor's restart resumes from there. While the store is
    away they wait, until `probe` passes.

    When this has returned or raised, the process has ten seconds to end, counted from when the
    stop began; then it exits with code 1. A caller that has more to do gives its own
    `last_resort` and cancels it.

    Raises:
        FatalError: the lane, a side task or the consumer failed.
    """
    last_resort = last_resort or LastResort()
    store = StoreWait(probe)
    return asyncio.run(_serve(settings, lane, side_tasks, port, last_resort, shown, store))


async def _serve(
    settings: Settings,
    lane: Lane,
    side_tasks: Sequence[SideTask],
    port: int,
    last_resort: LastResort,
    shown: Shown,
    store: StoreWait,
) -> int:
    log = structlog.get_logger().bind(lane=lane.name)
    consumer = FaustConsumer(settings, lane)
    watch, beat = LaneWatch(lane, consumer), Heartbeat()

    def ready() -> Mapping[str, bool]:
        return {"joined": lane.joined, "moving": lane.moving, "broker": watch.broker_answers}

    collect_young_only()
    show_disk(settings.data)
    health = serve_health(settings.metrics_host, port, ready, beat.checks, shown)
    log.info("worker_started", port=health.port)
    work = {
        "lane": store.through_absence(_LaneWork(lane, consumer)),
        "lane watch": watch.run(),
        "heartbeat": beat.run(),
        "collector": collect_all_now_and_then(),
        **{task.__name__: store.through_absence(task) for task in side_tasks},
    }
    try:
        with (
            watched_broker(settings.bootstrap, LagWatch(lane).look, lane.topic),
            stop_on_signal(last_resort, _STOP_WITHIN) as stop,
        ):
            await run_until_stopped(consumer, work, stop, last_resort)
    finally:
        health.close()
    log.info("worker_stopped")
    return 0


async def run_until_stopped(
    consumer: GroupConsumer,
    work: Mapping[str, Coroutine[Any, Any, None]],
    stop: asyncio.Event,
    last_resort: LastResort,
) -> None:
    """Run the consumer and the named work until `stop` is set, or one of them ends.

    Then all are cancelled and the consumer leaves its group. What does not end within its limit
    is logged, and the process exits.

    Raises:
        FatalError: one of them failed or ended by itself, or the consumer did not stop cleanly.
    """
    running = {"consumer": consumer.run(), **work}
    tasks = [asyncio.create_task(task, name=name) for name, task in running.items()]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    failure: FatalError | None = None
    try:
        done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        failure = _failure(done - {stopping}, stopped=stopping in done)
    finally:
        last_resort.exit_within(_EXIT_WITHIN)
        left = await cancel_tasks({*tasks, stopping}, _TASKS_END_WITHIN)
        leaving = asyncio.create_task(consumer.stop(), name="leaving the group")
        await asyncio.wait({leaving}, timeout=_LEAVE_WITHIN)
        failure = failure or _failure_of(leaving)
        if not leaving.done():
            left.append(leaving.get_name())
        if left:
            log = structlog.get_logger()
            log.error("worker_does_not_end", left=left, failure=str(failure or ""))
            last_resort.exit_now()
    if failure is not None:
        raise failure


class _LaneWork:
    """Runs the lane; when it is begun anew, from the stored positions."""

    def __init__(self, lane: Lane, consumer: GroupConsumer) -> None:
        self._lane, self._consumer, self._begun = lane, consumer, False

    async def __call__(self) -> None:
        if self._begun:
            await self._lane.start_over(self._consumer)
        self._begun = True
        await self._lane.run(self._consumer)


def _failure(done: Iterable[asyncio.Task[Any]], *, stopped: bool) -> FatalError | None:
    """Return why the work is over; None when it was told to end and nothing failed."""
    for task in done:
        if failure := _failure_of(task):
            return failure
    if stopped:
        return None
    return FatalError(f"{', '.join(sorted(task.get_name() for task in done))} ended by itself")


def _failure_of(task: asyncio.Task[Any]) -> FatalError | None:
    if not task.done() or task.cancelled() or (error := task.exception()) is None:
        return None
    failure = FatalError(f"{task.get_name()}: {_reasons(error)}")
    failure.__cause__ = error
    return failure


def _reasons(error: BaseException) -> str:
    """Return what the error says; of a group, what each of its errors says."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_reasons(part) for part in error.exceptions)
    return str(error) or type(error).__name__
