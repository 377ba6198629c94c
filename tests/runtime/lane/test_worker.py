"""A worker always ends: whatever fails, whenever, and whatever does not want to stop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.runtime.lane.fakes import TOPIC, FakeConsumer, FakeHandler
from tests.turns import VirtualLoop, cancelled_in_every_turn, in_every_turn

from lgsp.domain.errors import FatalError
from lgsp.runtime.lane.flow import Lane
from lgsp.runtime.lane.watch import LaneWatch
from lgsp.runtime.lane.worker import run_until_stopped
from lgsp.runtime.stopping.ending import LastResort


class Exited(BaseException):
    """The process would be gone now."""


class WatchedResort(LastResort):
    """Notes instead of exiting."""

    def __init__(self) -> None:
        self.within: list[float] = []
        self.exited = False

    def exit_within(self, seconds: float) -> None:
        self.within.append(seconds)

    def exit_now(self) -> None:
        self.exited = True
        raise Exited


class Member(FakeConsumer):
    """A consumer that joins, answers and leaves in some turns of the loop each."""

    left = False

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        await turns(3)
        return await super().ends(partitions)

    async def stop(self) -> None:
        await turns(3)
        self.left = True


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class Worker:
    """A worker's loop on a fake consumer, in virtual time."""

    def __init__(self, consumer: Member | None = None, **work: Coroutine[Any, Any, None]) -> None:
        self.consumer = consumer or Member({0: 5, 1: 5})
        self.resort = WatchedResort()
        self.stop = asyncio.Event()
        self.broken = asyncio.Event()
        self.work = work
        self.lane = Lane("test", TOPIC, FakeHandler({0: 5, 1: 5}), batch_events=100)

    async def fail(self) -> None:
        await self.broken.wait()
        raise OSError("disk full")

    async def run(self) -> None:
        work = {
            "lane": self.lane.run(self.consumer),
            "lane watch": LaneWatch(self.lane, self.consumer).run(),
            "publish": self.fail(),
            **self.work,
        }
        await run_until_stopped(self.consumer, work, self.stop, self.resort)


def test_a_failure_ends_the_worker_in_whatever_turn_it_comes() -> None:
    workers: list[Worker] = []

    def make() -> Coroutine[Any, Any, None]:
        workers.append(Worker())
        return workers[-1].run()

    def check(task: asyncio.Task[None]) -> None:
        assert "publish: disk full" in str(task.exception())
        assert workers[-1].consumer.left
        assert not workers[-1].resort.exited

    tried = in_every_turn(make, lambda _task: workers[-1].broken.set(), check, most=60)
    assert tried == 60


def test_an_order_to_stop_ends_the_worker_in_whatever_turn_it_comes() -> None:
    workers: list[Worker] = []

    def make() -> Coroutine[Any, Any, None]:
        workers.append(Worker())
        return workers[-1].run()

    def check(task: asyncio.Task[None]) -> None:
        assert task.exception() is None
        assert workers[-1].consumer.left

    assert in_every_turn(make, lambda _t: workers[-1].stop.set(), check, most=60) == 60


def test_a_cancelled_worker_ends_in_whatever_turn_it_comes() -> None:
    """Also while it ends already, because something failed."""

    def make() -> Coroutine[Any, Any, None]:
        worker = Worker()

        async def run() -> None:
            asyncio.get_running_loop().call_later(7, worker.broken.set)
            await worker.run()

        return run()

    assert cancelled_in_every_turn(make) > 20


def run(make: Callable[[], Coroutine[Any, Any, None]]) -> float:
    """Run in virtual time; return how long it took, with the error it ended with."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(make())
    return loop.time()


async def deaf(ended: list[str]) -> None:
    """Swallow two cancellations."""
    for _ in range(3):
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            ended.append("cancelled")


async def test_a_task_that_swallows_its_cancellation_once_is_cancelled_again() -> None:
    ended: list[str] = []

    async def deaf_once() -> None:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            ended.append("cancelled")
        await asyncio.sleep(1e6)

    worker = Worker(wake=deaf_once())
    asyncio.get_running_loop().call_soon(worker.stop.set)
    await worker.run()
    assert ended == ["cancelled"]
    assert not worker.resort.exited


def test_what_does_not_end_is_named_and_the_process_exits() -> None:
    took: list[float] = []

    class Hanging(Member):
        async def stop(self) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        worker = Worker(Hanging({0: 5}), wake=deaf([]))
        worker.broken.set()
        loop = asyncio.get_running_loop()
        with pytest.raises(Exited):
            await worker.run()
        took.append(loop.time())
        assert worker.resort.within == [10.0]

    with capture_logs() as logs:
        run(main)
    assert took[0] <= 10
    shown = str(logs)
    assert "leaving the group" in shown
    assert "wake" in shown
    assert "publish: disk full" in shown


def test_a_consumer_that_fails_to_leave_is_a_failure() -> None:
    class Failing(Member):
        async def stop(self) -> None:
            raise OSError("no broker")

    async def main() -> None:
        worker = Worker(Failing({0: 5}))
        worker.stop.set()
        with pytest.raises(FatalError, match="leaving the group: no broker"):
            await worker.run()

    run(main)


def test_every_error_of_a_group_is_told() -> None:
    async def push() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken("store is gone"))
            group.create_task(broken("no room"))

    async def broken(why: str) -> None:
        raise OSError(why)

    async def main() -> None:
        with pytest.raises(FatalError, match=r"push: store is gone; no room"):
            await Worker(push=push()).run()

    run(main)


def test_what_ends_by_itself_ends_the_worker() -> None:
    async def nothing() -> None: ...

    async def main() -> None:
        with pytest.raises(FatalError, match="wake ended by itself"):
            await Worker(wake=nothing()).run()

    run(main)
