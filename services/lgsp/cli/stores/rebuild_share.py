"""The processes of `lgsp rebuild`: each folds its share of the partitions into the one store.

They meet as workers do: positions are advanced by compare-and-swap, a cell belongs to a partition.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import connection as pipes
from multiprocessing import get_context
from typing import Any, NamedTuple

from lgsp.domain.errors import FatalError, LgspError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.bulk_read import read_batches
from lgsp.runtime.kafka.records import Reject
from lgsp.runtime.lane.collector import collect_young_only
from lgsp.runtime.settings import Settings
from lgsp.runtime.supervision.process import die_with_parent
from lgsp.store.engine import open_store
from lgsp.store.rates.folds import make_fold


class Counted(NamedTuple):
    """How many events went into the store, and how many of the log could not."""

    events: int
    rejected: int


def shares(ends: Mapping[int, int], jobs: int) -> list[dict[int, int]]:
    """Deal out partitions (and their ends) so that all have about as many events to fold."""
    dealt: list[dict[int, int]] = [{} for _ in range(jobs)]
    for partition in sorted(ends, key=lambda p: ends[p], reverse=True):
        least = min(dealt, key=lambda share: sum(share.values()))
        least[partition] = ends[partition]
    return [share for share in dealt if share]


def fold_shares(
    settings: Settings, into: str, dealt: Sequence[Mapping[int, int]], show: Callable[[int], None]
) -> Counted:
    """Fold the shares, a process each; `show` gets how many events are in the store.

    Raises:
        FatalError: a process failed; all are ended, and the store is to be thrown away.
    """
    done = dict.fromkeys(range(len(dealt)), Counted(0, 0))
    with _processes(settings, into, dealt) as running:
        while running:
            ready: list[Any] = pipes.wait(list(running))
            for pipe in ready:
                number = running[pipe]
                try:
                    said = pipe.recv()
                except EOFError:
                    raise FatalError(f"process {number} of the rebuild ended by itself") from None
                if said is None:
                    del running[pipe]
                elif isinstance(said, str):
                    raise FatalError(said)
                else:
                    done[number] = said
                    show(sum(counted.events for counted in done.values()))
    return Counted(*map(sum, zip(*done.values(), strict=True)))


@contextmanager
def _processes(
    settings: Settings, into: str, dealt: Sequence[Mapping[int, int]]
) -> Iterator[dict[Any, int]]:
    """Start a process for each share; give the pipes they speak through; leave none running."""
    context = get_context("fork")
    children = []
    running: dict[Any, int] = {}
    try:
        for number, share in enumerate(dealt):
            reader, writer = context.Pipe(duplex=False)
            child = context.Process(
                target=_fold_share, args=(settings, into, share, len(dealt), writer), daemon=True
            )
            child.start()
            children.append(child)
            writer.close()  # only the child has it now, so that its end shows
            running[reader] = number
        yield running
    finally:
        for child in children:
            child.terminate()
            child.join()


def _fold_share(
    settings: Settings, into: str, ends: Mapping[int, int], jobs: int, out: Any
) -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends us
    collect_young_only()
    try:
        asyncio.run(_fold_all(settings, into, ends, jobs, out.send))
        out.send(None)
    except LgspError as error:
        out.send(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it
        out.send(f"{type(error).__name__}: {error}")


async def _fold_all(
    settings: Settings,
    into: str,
    ends: Mapping[int, int],
    jobs: int,
    report: Callable[[Counted], None],
) -> None:
    """Fold each batch in a thread while the next one is read."""
    rejects: list[Reject] = []
    engine = open_store(into)
    calendar = load_calendar(settings.calendar_file)
    profile = profile_named(settings.profile)
    fold = make_fold(
        settings, engine, profile, settings.events_topic, calendar, now_ms, rejects.extend
    )
    for partition in ends:
        fold.open_partition(partition)
    done = 0
    at_once = max(1, settings.replay_events // jobs)  # the memory of one worker, shared
    batches = read_batches(settings.bootstrap, settings.events_topic, ends, at_once)
    batch = await anext(batches, None)
    while batch:
        following, _ = await asyncio.gather(
            anext(batches, None), asyncio.to_thread(fold.fold, [batch])
        )
        done += len(batch.records)
        report(Counted(done, len(rejects)))
        batch = following
    engine.dispose()
