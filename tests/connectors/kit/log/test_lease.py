"""One process a portal: the second is refused and told of the first; the dead are no obstacle."""

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lgsp.domain.errors import FatalError
from lgsp.runtime.kafka.client import latest_by_key
from lgsp.runtime.kafka.topics import CHECKPOINTS
from lgsp_connectors.kit.log import lease as module
from lgsp_connectors.kit.log.holder import Holder, started
from lgsp_connectors.kit.log.lease import Lease

pytestmark = pytest.mark.kafka

Make = Callable[..., Lease]
THERE = {"home": "another machine", "host": "there"}


@pytest.fixture
def make(broker: str) -> Iterator[Make]:
    """Return `make(**fields of the holder) -> Lease`, each as another process would have it."""
    key, opened = f"p-{uuid.uuid4().hex[:8]}", []

    def make(*, silence: float = 30, **fields: object) -> Lease:
        lease = Lease(broker, key, Path("a.yaml"), silence=silence)
        lease._me = lease._me._replace(**fields)  # type: ignore[arg-type]
        opened.append(lease)
        return lease

    yield make
    for lease in opened:
        lease.release()


def test_a_second_process_of_this_machine_is_refused_at_once(make: Make) -> None:
    make(config="/etc/first.yaml").acquire()
    with pytest.raises(FatalError) as caught:
        make().acquire()
    pid = Holder.here(Path("x")).pid
    assert f"process {pid} on " in str(caught.value)
    assert "/etc/first.yaml" in str(caught.value)


def test_what_was_released_is_free(make: Make, broker: str) -> None:
    first = make()
    first.acquire()
    first.release()
    second = make()
    second.acquire()
    second.release()
    assert not [key for key in latest_by_key(broker, CHECKPOINTS) if second._prefix in key]


def test_a_process_that_died_here_is_no_obstacle(make: Make) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    make(pid=child.pid, started=started(child.pid)).acquire()
    with pytest.raises(FatalError):
        make().acquire()
    child.communicate()
    make().acquire()


def test_a_process_number_that_passed_to_another_is_no_obstacle(make: Make) -> None:
    make(started=Holder.here(Path("x")).started - 1).acquire()
    make().acquire()


def test_a_holder_elsewhere_that_lives_is_not_overruled(make: Make) -> None:
    first = make(**THERE)
    first.acquire()
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(0.5):
            first.renew()

    with ThreadPoolExecutor(1) as other:
        living = other.submit(live)
        try:
            with pytest.raises(FatalError, match="on there"):
                make().acquire()
        finally:
            ended.set()
        living.result()


def test_a_holder_elsewhere_that_is_silent_is_overruled_and_ends_when_it_wakes(
    make: Make,
) -> None:
    first = make(**THERE)
    first.acquire()
    second = make(silence=1)
    second.acquire()
    with pytest.raises(FatalError, match=f"taken over by process {second._me.pid}"):
        first.renew()
    second.renew()


async def test_work_ends_when_its_lease_is_lost(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.05)
    first = make(**THERE)
    await asyncio.to_thread(first.acquire)
    await asyncio.to_thread(make(silence=0.5).acquire)
    stop = asyncio.Event()
    with pytest.raises(FatalError, match="taken over"):
        await asyncio.wait_for(first.during(stop.wait(), stop), 20)


def test_of_many_that_start_at_once_one_holds(make: Make) -> None:
    leases = [make(**THERE) for _ in range(4)]

    with ThreadPoolExecutor(4) as all_at_once:
        acquired = [(lease, all_at_once.submit(lease.acquire)) for lease in leases]
    held = [lease for lease, done in acquired if not isinstance(done.exception(), FatalError)]
    (holder,) = held
    holder.renew()
