"""An order to stop ends the process: in order when it can, with code 1 when something hangs."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from tests.turns import VirtualLoop, cancelled_in_every_turn

from lgsp.runtime.stopping.ending import cancel_tasks
from lgsp.runtime.stopping.waiting import is_set_within

WORLDS = {
    "obeys": "await stop.wait(); sys.stdin.readline()",
    "the loop stands still": "time.sleep(60)",
    "a store is locked": "locked_store()",
    "a lock is held": "lock.acquire()",
    "a thread runs on": "threading.Thread(target=sleep_long).start(); await stop.wait()",
    "a task is deaf": "task = asyncio.create_task(deaf()); await stop.wait()",
}
SCRIPT = """
import asyncio, sqlite3, sys, tempfile, threading, time
from lgsp.runtime.stopping.ending import LastResort
from lgsp.runtime.stopping.signals import stop_on_signal

lock = threading.Lock()
lock.acquire()

def locked_store():
    file = tempfile.mkdtemp() + "/x.db"
    held = sqlite3.connect(file, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    sqlite3.connect(file, timeout=60).execute("CREATE TABLE t (x)")

def sleep_long():
    time.sleep(60)

async def deaf():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def main():
    with stop_on_signal(LastResort(), within={within}) as stop:
        await asyncio.sleep(0)
        print("ready", flush=True)
        {world}

asyncio.run(main())
"""


@contextmanager
def process(world: str, within: float) -> Iterator[subprocess.Popen[str]]:
    script = SCRIPT.format(world=WORLDS[world], within=within)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


def test_who_obeys_ends_in_order() -> None:
    with process("obeys", within=60) as started:
        started.send_signal(signal.SIGTERM)
        started.communicate("\n", timeout=30)
        assert started.returncode == 0


@pytest.mark.parametrize("world", [name for name in WORLDS if name != "obeys"])
def test_whatever_hangs_the_process_ends_and_says_where_it_was(world: str) -> None:
    with process(world, within=0.5) as started:
        started.send_signal(signal.SIGTERM)
        assert started.wait(30) == 1
        assert started.stderr is not None
        assert "most recent call first" in started.stderr.read()


def test_another_order_ends_it_at_once() -> None:
    with process("the loop stands still", within=3600) as started:
        deadline = time.monotonic() + 30
        while started.poll() is None:
            assert time.monotonic() < deadline
            started.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                started.wait(0.3)
        assert started.returncode == 1


def test_one_order_sent_twice_is_one_order() -> None:
    with process("obeys", within=60) as started:
        started.send_signal(signal.SIGTERM)
        started.send_signal(signal.SIGINT)
        started.communicate("\n", timeout=30)
        assert started.returncode == 0


def test_the_last_resort_can_be_called_off_and_an_earlier_time_stands() -> None:
    script = """
import time
from lgsp.runtime.stopping.ending import LastResort
resort = LastResort()
resort.exit_within(0.2)
resort.exit_within(3600)
resort.cancel()
time.sleep(0.5)
print("lives", flush=True)
resort.exit_within(0.2)
resort.exit_within(3600)
time.sleep(60)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "lives\n")


def test_tasks_that_do_not_end_are_named() -> None:
    async def deaf() -> None:
        for _ in range(3):  # the two of cancel_tasks, and the one of the loop's end
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1e6)

    async def obedient() -> None:
        await asyncio.sleep(1e6)

    async def failing() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            raise OSError("in its cleaning up")

    async def main() -> tuple[list[str], float]:
        loop = asyncio.get_running_loop()
        tasks = [
            loop.create_task(work(), name=work.__name__) for work in (deaf, obedient, failing)
        ]
        await asyncio.sleep(0)
        before = loop.time()
        return await cancel_tasks(tasks, 4), loop.time() - before

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        left, took = runner.run(main())
    assert left == ["deaf"]
    assert took == pytest.approx(4)


def test_waiting_with_a_limit_never_swallows_a_cancellation() -> None:
    """The event is set, and time is up, in turns that a cancellation can meet."""

    async def wait() -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(2, event.set)
        assert not await is_set_within(event, 1)
        assert await is_set_within(event, 2)
        assert await is_set_within(event, 2)
        await asyncio.sleep(1)

    assert cancelled_in_every_turn(wait) > 5


def test_a_signal_interrupts_work_that_looks_at_no_flag_and_never_what_cleans_up() -> None:
    script = """
import os, signal, time
from lgsp.runtime.stopping.signals import StopSignal
with StopSignal() as stopping:
    stopping.interrupts = True
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        print("cleaned up", stopping())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, "cleaned up True\n"), done.stderr
